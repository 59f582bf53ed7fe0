-- Samples of recording rules, one row a series.
-- parameters: project String; from_ms, to_ms Int64 (Unix ms), both inclusive; those of the conditions on name.
-- columns: name; labels String, JSON without __name__; times_ms Array(Int64); sample_values Array(Float64); stale Array(UInt8), 1: the series ends.
SELECT
    name,
    labels,
    groupArray(at_ms) AS times_ms,
    groupArray(value) AS sample_values,
    groupArray(is_stale) AS stale
FROM
(
    SELECT toString(name) AS name, labels, toUnixTimestamp64Milli(at) AS at_ms, value, is_stale
    FROM recorded_samples FINAL
    WHERE project = {project:String}
      AND at >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC')
      AND at <= fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
      AND (
-- conditions
      )
)
GROUP BY name, labels
