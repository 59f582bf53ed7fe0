-- How many scored calls a threshold would flag. The newest version of a score counts.
-- project. from_ns (inclusive), to_ns (exclusive): event time of the call, Unix ns. analyzer, field, version (of the analyzer): exact. threshold.
-- service: exact, '' is any. sign: -1 where low values are bad, else 1.
-- Columns: n_scored, n_beyond: at the threshold or beyond it.
SELECT count() AS n_scored, countIf({sign:Int8} * value >= {sign:Int8} * {threshold:Float64}) AS n_beyond
FROM
(
    SELECT status, value
    FROM scores FINAL
    WHERE project = {project:String}
      AND analyzer = {analyzer:String}
      AND field = {field:String}
      AND analyzer_version = {version:String}
      AND ({service:String} = '' OR service = {service:String})
      AND start_time >= fromUnixTimestamp64Nano({from_ns:Int64}, 'UTC')
      AND start_time < fromUnixTimestamp64Nano({to_ns:Int64}, 'UTC')
    ORDER BY computed_at DESC
    LIMIT 1 BY trace_id, span_id
)
WHERE status = 'ok' AND isFinite(value)
