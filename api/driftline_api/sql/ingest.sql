-- What arrived lately, by time of storing.
-- project.
-- Columns: spans_1m, spans_1h, spans_24h: spans stored in the last minute, hour, day; last_stored_at UTC (1970 when there is none).
SELECT
    countIf(stored_at >= now64(3, 'UTC') - INTERVAL 1 MINUTE) AS spans_1m,
    countIf(stored_at >= now64(3, 'UTC') - INTERVAL 1 HOUR) AS spans_1h,
    count() AS spans_24h,
    max(stored_at) AS last_stored_at
FROM spans
WHERE project = {project:String} AND stored_at >= now64(3, 'UTC') - INTERVAL 24 HOUR
