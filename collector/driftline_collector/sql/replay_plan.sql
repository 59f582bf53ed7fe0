-- Stored spans by minute of their start. Parameters: start, end: UTC, end exclusive; project: '' is every one.
-- Columns: minute: unix seconds; n_spans: repeated ones counted.
SELECT toUnixTimestamp(toStartOfMinute(start_time)) AS minute, count() AS n_spans
FROM spans
WHERE start_time >= {start:DateTime64(3, 'UTC')} AND start_time < {end:DateTime64(3, 'UTC')}
  AND ({project:String} = '' OR project = {project:String})
GROUP BY minute
ORDER BY minute
