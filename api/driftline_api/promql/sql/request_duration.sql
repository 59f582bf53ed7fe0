-- Durations of calls as cumulative histograms, one row a series.
-- parameters: project String; from_s, to_s Int64 (Unix seconds): minutes from_s <= minute < to_s one by one, earlier ones summed; since_s Int64: none before it.
-- columns: the labels; first_s Int64: the first minute of all; minutes Array(Int64) Unix seconds (one may come several times);
-- sums of durations in seconds and counts, before from_s (base_*) and by minute; buckets per bound of BUCKETS_MS, cumulative over bounds.
SELECT
    service,
    environment,
    provider,
    model,
    prompt_version,
    toInt64(min(toUnixTimestamp(minute))) AS first_s,
    groupArrayIf(toInt64(toUnixTimestamp(minute)), minute >= toDateTime({from_s:Int64}, 'UTC')) AS minutes,
    sumIf(toFloat64(calls), minute < toDateTime({from_s:Int64}, 'UTC')) AS base_count,
    groupArrayIf(toFloat64(calls), minute >= toDateTime({from_s:Int64}, 'UTC')) AS counts,
    sumIf(duration_sum_ms, minute < toDateTime({from_s:Int64}, 'UTC')) / 1000 AS base_sum,
    groupArrayIf(duration_sum_ms / 1000, minute >= toDateTime({from_s:Int64}, 'UTC')) AS sums,
    sumForEachIf(duration_buckets, minute < toDateTime({from_s:Int64}, 'UTC')) AS base_buckets,
    groupArrayIf(duration_buckets, minute >= toDateTime({from_s:Int64}, 'UTC')) AS buckets
FROM rollup_1m FINAL
WHERE project = {project:String}
  AND minute >= toDateTime({since_s:Int64}, 'UTC')
  AND minute < toDateTime({to_s:Int64}, 'UTC')
  AND calls > 0
GROUP BY service, environment, provider, model, prompt_version
