-- What the analyzers say of some calls, the newest version of each.
-- project. traces, spans: their ids in hex, by position. from_ns, to_ns: start of the first and the last, Unix ns, inclusive.
-- Columns: trace, span as lower-case hex; analyzer, analyzer_version, field, value, p_value, is_flagged, evidence (JSON).
SELECT trace, span, analyzer, analyzer_version, field, value, p_value, is_flagged, evidence
FROM
(
    SELECT
        lower(hex(trace_id)) AS trace, lower(hex(span_id)) AS span, toString(analyzer) AS analyzer, toString(analyzer_version) AS analyzer_version,
        toString(field) AS field, value, p_value, toBool(is_flagged) AS is_flagged, evidence, status, computed_at
    FROM scores FINAL
    WHERE project = {project:String}
      AND start_time >= fromUnixTimestamp64Nano({from_ns:Int64}, 'UTC')
      AND start_time <= fromUnixTimestamp64Nano({to_ns:Int64}, 'UTC')
      AND (trace_id, span_id) IN
      (
          SELECT toFixedString(unhex(key.1), 16), toFixedString(unhex(key.2), 8)
          FROM (SELECT arrayJoin(arrayZip({traces:Array(String)}, {spans:Array(String)})) AS key)
      )
    ORDER BY computed_at DESC
    LIMIT 1 BY trace, span, analyzer, field
)
WHERE status = 'ok' AND isFinite(value)
ORDER BY trace, span, analyzer, field
