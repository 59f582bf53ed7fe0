-- Which rollups before a time there are, and which prices: any row that is added, replaced or removed changes one of the numbers.
-- parameters: project String; to_s Int64 (Unix seconds), exclusive.
-- columns: rows, updated_at (ms) of the rollups; price_rows, priced_at (ms).
SELECT
    count() AS rows,
    toUnixTimestamp64Milli(max(updated_at)) AS updated_at,
    (SELECT count() FROM prices) AS price_rows,
    (SELECT toUnixTimestamp64Milli(max(updated_at)) FROM prices) AS priced_at
FROM rollup_1m
WHERE project = {project:String}
  AND minute < toDateTime({to_s:Int64}, 'UTC')
