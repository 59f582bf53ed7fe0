-- Steps of traces that are no LLM calls (tools, agents, retrievals, ...), or those that failed, one row a series of every step that ran.
-- parameters: project String; from_s, to_s Int64 (Unix seconds): minutes from_s <= minute < to_s one by one, earlier ones summed; since_s Int64: none before it; value String: steps or errors.
-- columns: the labels; first_s Int64: the first minute of all; base Float64: sum before from_s; minutes Array(Int64) Unix seconds,
-- increments Array(Float64): what was counted in that minute (a minute may come several times).
-- Read from generations itself, of which no rollup keeps other kinds than calls. name: of the tool or the agent, else of the span.
SELECT
    service,
    environment,
    kind,
    name,
    min(minute_s) AS first_s,
    sumIf(counted, minute_s < {from_s:Int64}) AS base,
    groupArrayIf(minute_s, minute_s >= {from_s:Int64}) AS minutes,
    groupArrayIf(counted, minute_s >= {from_s:Int64}) AS increments
FROM
(
    SELECT
        g.service AS service,
        g.environment AS environment,
        toString(g.kind) AS kind,
        multiIf(g.kind = 'tool' AND g.tool_name != '', g.tool_name, g.kind = 'agent' AND g.agent_name != '', g.agent_name, g.name) AS name,
        toInt64(toUnixTimestamp(toStartOfMinute(g.start_time))) AS minute_s,
        toFloat64(if({value:String} = 'errors', sum(g.is_error), count())) AS counted
    FROM generations AS g FINAL
    WHERE g.project = {project:String}
      AND g.start_time >= toDateTime({since_s:Int64}, 'UTC')
      AND g.start_time < toDateTime({to_s:Int64}, 'UTC')
      AND g.kind NOT IN ('llm', 'embedding')
    GROUP BY service, environment, kind, name, minute_s
)
GROUP BY service, environment, kind, name
