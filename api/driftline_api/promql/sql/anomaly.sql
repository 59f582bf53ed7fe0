-- One figure of each bucket that the anomaly analyzer has judged, NaN where there is none. One row a series.
-- parameters: project String; from_ms, to_ms Int64 (Unix ms): buckets whose value may hold at some time from_ms..to_ms;
-- value String: value, expected, lower or upper (amounts are an hour's: requests, tokens and cost of a bucket times buckets an hour;
-- latency_p95 is in seconds), or zscore.
-- columns: the labels; ends_ms, lengths_ms Array(Int64): each bucket's end, ascending, and length; values Array(Float64), NaN: none.
SELECT
    measure,
    service,
    model,
    groupArray(end_ms) AS ends_ms,
    groupArray(length_ms) AS lengths_ms,
    groupArray(ifNull(figure, nan)) AS values
FROM
(
    SELECT
        measure,
        service,
        model,
        toInt64(toUnixTimestamp(bucket_start) + bucket_s) * 1000 AS end_ms,
        argMax(toInt64(bucket_s) * 1000, computed_at) AS length_ms,
        argMax(
            tuple(
                multiIf(
                    {value:String} = 'zscore', zscore,
                    {value:String} = 'value', anomaly_points.value,
                    {value:String} = 'expected', expected,
                    {value:String} = 'lower', lower,
                    {value:String} = 'upper', upper,
                    NULL
                )
                * multiIf(
                    {value:String} = 'zscore', 1,
                    measure IN ('requests', 'tokens', 'cost'), 3600 / bucket_s,
                    measure = 'latency_p95', 0.001,
                    1
                )
            ),
            computed_at
        ).1 AS figure
    FROM anomaly_points FINAL
    WHERE project = {project:String}
      AND bucket_start <= toDateTime(intDiv({to_ms:Int64}, 1000), 'UTC')
      AND bucket_start >= toDateTime(intDiv(greatest({from_ms:Int64} - 4 * 3600000, 0), 1000), 'UTC')
    GROUP BY measure, service, model, end_ms
    HAVING end_ms <= {to_ms:Int64}
    ORDER BY end_ms
)
GROUP BY measure, service, model
