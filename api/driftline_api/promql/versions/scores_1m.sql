-- Which minutes of call scores before a time there are: any row that is added, replaced or removed changes one of the numbers.
-- parameters: project String; to_s Int64 (Unix seconds), exclusive.
-- columns: rows, updated_at (µs).
SELECT count() AS rows, toUnixTimestamp64Micro(max(updated_at)) AS updated_at
FROM scores_1m
WHERE project = {project:String}
  AND minute < toDateTime({to_s:Int64}, 'UTC')
