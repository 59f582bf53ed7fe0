-- Which generations before a time there are: any row that is added, replaced or removed changes one of the numbers.
-- parameters: project String; to_s Int64 (Unix seconds), exclusive.
-- columns: rows, derived_at (µs).
SELECT count() AS rows, toUnixTimestamp64Micro(max(derived_at)) AS derived_at
FROM generations
WHERE project = {project:String}
  AND start_time < toDateTime({to_s:Int64}, 'UTC')
