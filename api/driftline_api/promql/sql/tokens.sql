-- Tokens by kind, one row a series; kinds that were never used have none.
-- parameters: project String; from_s, to_s Int64 (Unix seconds): minutes from_s <= minute < to_s one by one, earlier ones summed; since_s Int64: none before it.
-- columns: the labels; first_s Int64: the first minute of all; base Float64: sum before from_s; minutes Array(Int64) Unix seconds,
-- increments Array(Float64): what was counted in that minute (a minute may come several times).
SELECT
    service,
    environment,
    provider,
    model,
    prompt_version,
    kind.1 AS token_type,
    toInt64(min(toUnixTimestamp(minute))) AS first_s,
    sumIf(toFloat64(kind.2), minute < toDateTime({from_s:Int64}, 'UTC')) AS base,
    groupArrayIf(toInt64(toUnixTimestamp(minute)), minute >= toDateTime({from_s:Int64}, 'UTC')) AS minutes,
    groupArrayIf(toFloat64(kind.2), minute >= toDateTime({from_s:Int64}, 'UTC')) AS increments
FROM
(
    SELECT
        service, environment, provider, model, prompt_version, minute,
        [
            ('input', input_tokens), ('output', output_tokens), ('cache_read', cache_read_tokens),
            ('cache_write', cache_write_tokens), ('reasoning', reasoning_tokens)
        ] AS kinds
    FROM rollup_1m FINAL
    WHERE project = {project:String}
      AND minute >= toDateTime({since_s:Int64}, 'UTC')
      AND minute < toDateTime({to_s:Int64}, 'UTC')
      AND calls > 0
)
ARRAY JOIN kinds AS kind
WHERE kind.2 > 0
GROUP BY service, environment, provider, model, prompt_version, token_type
