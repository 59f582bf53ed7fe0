-- Times to the first token of LLM calls that say it, as cumulative histograms, one row a series.
-- parameters: project String; from_s, to_s Int64 (Unix seconds): minutes from_s <= minute < to_s one by one, earlier ones summed; since_s Int64: none before it.
-- columns: the labels; first_s Int64: the first minute of all; minutes Array(Int64) Unix seconds (one may come several times);
-- sums of times in seconds and counts, before from_s (base_*) and by minute; buckets per bound of BUCKETS_MS, cumulative over bounds.
-- Read from generations itself, of which no rollup keeps this time; a call that two instrumentations saw is there twice, as often fast as slow.
SELECT
    service,
    environment,
    provider,
    model,
    prompt_version,
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
        service, environment, provider, model, prompt_version,
        toInt64(toUnixTimestamp(toStartOfMinute(start_time))) AS minute_s,
        toFloat64(count()) AS counted,
        sum(assumeNotNull(time_to_first_token_ms)) / 1000 AS seconds,
        arrayPushBack(
            sumForEach(arrayMap(power -> toUInt64(assumeNotNull(time_to_first_token_ms) <= 10 * exp2(power)), range(14))), count()
        ) AS under
    FROM generations FINAL
    WHERE project = {project:String}
      AND start_time >= toDateTime({since_s:Int64}, 'UTC')
      AND start_time < toDateTime({to_s:Int64}, 'UTC')
      AND kind = 'llm'
      AND time_to_first_token_ms >= 0
    GROUP BY service, environment, provider, model, prompt_version, minute_s
)
GROUP BY service, environment, provider, model, prompt_version
