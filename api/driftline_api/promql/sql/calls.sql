-- LLM calls and embeddings, or those that failed, one row a series of every slice that was called.
-- parameters: project String; from_s, to_s Int64 (Unix seconds): minutes from_s <= minute < to_s one by one, earlier ones summed; since_s Int64: none before it; value String: calls or errors.
-- columns: the labels; first_s Int64: the first minute of all; base Float64: sum before from_s; minutes Array(Int64) Unix seconds,
-- increments Array(Float64): what was counted in that minute (a minute may come several times).
SELECT
    service,
    environment,
    provider,
    model,
    prompt_version,
    toInt64(min(toUnixTimestamp(minute))) AS first_s,
    sumIf(toFloat64(if({value:String} = 'errors', errors, calls)), minute < toDateTime({from_s:Int64}, 'UTC')) AS base,
    groupArrayIf(toInt64(toUnixTimestamp(minute)), minute >= toDateTime({from_s:Int64}, 'UTC')) AS minutes,
    groupArrayIf(toFloat64(if({value:String} = 'errors', errors, calls)), minute >= toDateTime({from_s:Int64}, 'UTC')) AS increments
FROM rollup_1m FINAL
WHERE project = {project:String}
  AND minute >= toDateTime({since_s:Int64}, 'UTC')
  AND minute < toDateTime({to_s:Int64}, 'UTC')
  AND calls > 0
GROUP BY service, environment, provider, model, prompt_version
