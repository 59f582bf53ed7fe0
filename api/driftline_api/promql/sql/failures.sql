-- LLM and embedding spans that failed, by what they say went wrong, one row a series.
-- parameters: project String; from_s, to_s Int64 (Unix seconds): minutes from_s <= minute < to_s one by one, earlier ones summed; since_s Int64: none before it.
-- columns: the labels; first_s Int64: the first minute of all; base Float64: sum before from_s; minutes Array(Int64) Unix seconds,
-- increments Array(Float64): what was counted in that minute (a minute may come several times).
-- Read from generations itself, of which no rollup keeps the type; a call that two instrumentations saw counts twice.
SELECT
    service,
    environment,
    provider,
    model,
    error_type,
    min(minute_s) AS first_s,
    sumIf(counted, minute_s < {from_s:Int64}) AS base,
    groupArrayIf(minute_s, minute_s >= {from_s:Int64}) AS minutes,
    groupArrayIf(counted, minute_s >= {from_s:Int64}) AS increments
FROM
(
    SELECT
        g.service AS service, g.environment AS environment, g.provider AS provider, g.model AS model,
        if(g.error_type = '', 'unknown', g.error_type) AS error_type,
        toInt64(toUnixTimestamp(toStartOfMinute(g.start_time))) AS minute_s,
        toFloat64(count()) AS counted
    FROM generations AS g FINAL
    WHERE g.project = {project:String}
      AND g.start_time >= toDateTime({since_s:Int64}, 'UTC')
      AND g.start_time < toDateTime({to_s:Int64}, 'UTC')
      AND g.kind IN ('llm', 'embedding')
      AND g.is_error
    GROUP BY service, environment, provider, model, error_type, minute_s
)
GROUP BY service, environment, provider, model, error_type
