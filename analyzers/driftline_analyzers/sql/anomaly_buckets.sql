-- Figures of every service, model and bucket with calls.
-- parameters: project String; from_s, to_s Int64 (Unix seconds): minutes from_s <= minute < to_s; bucket_s Int64.
-- columns: service_name, model_name String; bucket Int64 (Unix seconds of its start); n_calls, n_errors, n_tokens Float64;
-- usd Float64, NULL where no call has a price; p95_ms Float64.
SELECT
    service AS service_name,
    model AS model_name,
    intDiv(toInt64(toUnixTimestamp(minute)), {bucket_s:Int64}) * {bucket_s:Int64} AS bucket,
    toFloat64(sum(calls)) AS n_calls,
    toFloat64(sum(errors)) AS n_errors,
    toFloat64(sum(input_tokens) + sum(output_tokens)) AS n_tokens,
    if(countIf(is_priced) > 0, sumIf(cost_usd, is_priced), NULL) AS usd,
    quantilesTDigestMerge(0.5, 0.9, 0.95, 0.99)(duration_quantiles)[3] AS p95_ms
FROM
(
-- include cost
)
GROUP BY service, model, bucket
