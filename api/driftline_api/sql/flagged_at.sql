-- How many scored calls a threshold would flag. The newest version of a score counts.
-- project. from_ns (inclusive), to_ns (exclusive): event time of the call, Unix ns. analyzer, field, version (of the analyzer): exact. threshold.
-- Columns: n_scored, n_at_least.
SELECT count() AS n_scored, countIf(value >= {threshold:Float64}) AS n_at_least
FROM
(
    SELECT status, value
    FROM scores FINAL
    WHERE project = {project:String}
      AND analyzer = {analyzer:String}
      AND field = {field:String}
      AND analyzer_version = {version:String}
      AND start_time >= fromUnixTimestamp64Nano({from_ns:Int64}, 'UTC')
      AND start_time < fromUnixTimestamp64Nano({to_ns:Int64}, 'UTC')
    ORDER BY computed_at DESC
    LIMIT 1 BY trace_id, span_id
)
WHERE status = 'ok' AND isFinite(value)
