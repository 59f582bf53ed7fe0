-- The first minute that was computed anew, and when the newest was.
-- parameters: project String; since_ms Int64 (Unix ms, of updated_at); from_s Int64 (Unix seconds): minutes before are not looked at.
-- columns: n UInt64 rows; first_s, newest_ms Int64.
SELECT
    count() AS n,
    toInt64(toUnixTimestamp(min(minute))) AS first_s,
    toUnixTimestamp64Milli(max(updated_at)) AS newest_ms
FROM rollup_1m
WHERE project = {project:String}
  AND minute >= toDateTime({from_s:Int64}, 'UTC')
  AND updated_at >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')
