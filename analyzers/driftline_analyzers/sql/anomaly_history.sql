-- Values that were written, one row a series.
-- parameters: project String; bucket_s Int64; from_s, to_s Int64 (Unix seconds): buckets from_s <= start < to_s.
-- columns: measure_name, service_name, model_name String; buckets Array(Int64) (Unix seconds), known Array(Float64).
SELECT
    measure AS measure_name,
    service AS service_name,
    model AS model_name,
    groupArray(toInt64(toUnixTimestamp(bucket_start))) AS buckets,
    groupArray(assumeNotNull(value)) AS known
FROM anomaly_points FINAL
WHERE project = {project:String}
  AND bucket_s = {bucket_s:Int64}
  AND bucket_start >= toDateTime({from_s:Int64}, 'UTC')
  AND bucket_start < toDateTime({to_s:Int64}, 'UTC')
  AND value IS NOT NULL
GROUP BY measure, service, model
