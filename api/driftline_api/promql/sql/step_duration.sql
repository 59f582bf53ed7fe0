-- Durations of the steps of traces that are no LLM calls, as cumulative histograms, one row a series.
-- parameters: project String; from_s, to_s Int64 (Unix seconds): minutes from_s <= minute < to_s one by one, earlier ones summed; since_s Int64: none before it.
-- columns: the labels; first_s Int64: the first minute of all; minutes Array(Int64) Unix seconds (one may come several times);
-- sums of durations in seconds and counts, before from_s (base_*) and by minute; buckets per bound of BUCKETS_MS, cumulative over bounds.
-- Read from generations itself, of which no rollup keeps other kinds than calls. name: of the tool or the agent, else of the span.
SELECT
    service,
    environment,
    kind,
    name,
    min(minute_s) AS first_s,
    groupArrayIf(minute_s, minute_s >= {from_s:Int64}) AS minutes,
    sumIf(counted, minute_s < {from_s:Int64}) AS base_count,
    groupArrayIf(counted, minute_s >= {from_s:Int64}) AS counts,
    sumIf(seconds, minute_s < {from_s:Int64}) AS base_sum,
    groupArrayIf(seconds, minute_s >= {from_s:Int64}) AS sums,
    sumForEachIf(under, minute_s < {from_s:Int64}) AS base_buckets,
    groupArrayIf(under, minute_s >= {from_s:Int64}) AS buckets
FROM
(
    SELECT
        g.service AS service,
        g.environment AS environment,
        toString(g.kind) AS kind,
        multiIf(g.kind = 'tool' AND g.tool_name != '', g.tool_name, g.kind = 'agent' AND g.agent_name != '', g.agent_name, g.name) AS name,
        toInt64(toUnixTimestamp(toStartOfMinute(g.start_time))) AS minute_s,
        toFloat64(count()) AS counted,
        sum(g.duration_ms) / 1000 AS seconds,
        arrayPushBack(sumForEach(arrayMap(power -> toUInt64(g.duration_ms <= 10 * exp2(power)), range(14))), count()) AS under
    FROM generations AS g FINAL
    WHERE g.project = {project:String}
      AND g.start_time >= toDateTime({since_s:Int64}, 'UTC')
      AND g.start_time < toDateTime({to_s:Int64}, 'UTC')
      AND g.kind NOT IN ('llm', 'embedding')
    GROUP BY service, environment, kind, name, minute_s
)
GROUP BY service, environment, kind, name
