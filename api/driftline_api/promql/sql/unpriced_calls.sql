-- Calls without a known price, one row a series.
-- parameters: project String; from_s, to_s Int64 (Unix seconds): minutes from_s <= minute < to_s one by one, earlier ones summed; since_s Int64: none before it.
-- columns: the labels; first_s Int64: the first minute of all; base Float64: sum before from_s; minutes Array(Int64) Unix seconds,
-- increments Array(Float64): what was counted in that minute (a minute may come several times).
SELECT
    service,
    environment,
    provider,
    model,
    prompt_version,
    toInt64(min(toUnixTimestamp(minute))) AS first_s,
    sumIf(toFloat64(calls), minute < toDateTime({from_s:Int64}, 'UTC')) AS base,
    groupArrayIf(toInt64(toUnixTimestamp(minute)), minute >= toDateTime({from_s:Int64}, 'UTC')) AS minutes,
    groupArrayIf(toFloat64(calls), minute >= toDateTime({from_s:Int64}, 'UTC')) AS increments
FROM 
(
    SELECT service, environment, provider, model, prompt_version, minute, calls, cost_usd, is_priced
    FROM
    (
-- include cost
    )
    WHERE NOT is_priced
)
GROUP BY service, environment, provider, model, prompt_version
