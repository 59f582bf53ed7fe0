-- Groups of outliers of the newest earlier window that had any. project, service, segment_by, segment, field; before: exclusive, by the
-- window's start (UTC); window_texts: texts of windows by count, 0 for windows by time.
-- Returns groups: JSON list, one row or none.
SELECT JSONExtractRaw(explanation, 'groups') AS groups
FROM findings FINAL
WHERE project = {project:String}
  AND analyzer = 'outliers'
  AND service = {service:String}
  AND segment_by = {segment_by:String}
  AND segment = {segment:String}
  AND field = {field:String}
  AND window_start < {before:DateTime64(3, 'UTC')}
  AND window_start >= {before:DateTime64(3, 'UTC')} - INTERVAL 30 DAY
  AND window_texts = {window_texts:UInt32}
  AND JSONLength(explanation, 'groups') > 0
ORDER BY window_start DESC
LIMIT 1
