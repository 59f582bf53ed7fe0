-- Scores of generations that stand, lowest p-value first, then flagged ones, then the highest value; the newest version of an analyzer counts.
-- project. from_ns (inclusive), to_ns (exclusive): event time of the generation, Unix ns. analyzer, field, service, model: exact, '' is any.
-- trace_id: 32 hex digits, span_id: 16, '' is any. is_flagged: 0, 1, -1 is any. status: ok, unknown, error, '' is any. preview_chars. max_rows.
-- Columns: ids as lower-case hex, start_time and computed_at UTC, evidence JSON, text_preview: start of the scored text.
WITH chosen AS
(
    SELECT *
    FROM
    (
        SELECT *
        FROM scores FINAL
        WHERE project = {project:String}
          AND start_time >= fromUnixTimestamp64Nano({from_ns:Int64}, 'UTC')
          AND start_time < fromUnixTimestamp64Nano({to_ns:Int64}, 'UTC')
          AND ({analyzer:String} = '' OR analyzer = {analyzer:String})
          AND ({field:String} = '' OR field = {field:String})
          AND ({service:String} = '' OR service = {service:String})
          AND ({model:String} = '' OR model = {model:String})
          AND ({trace_id:String} = '' OR trace_id = toFixedString(unhex({trace_id:String}), 16))
          AND ({span_id:String} = '' OR span_id = toFixedString(unhex({span_id:String}), 8))
          AND status != 'withdrawn'
        ORDER BY computed_at DESC
        LIMIT 1 BY analyzer, field, trace_id, span_id
    )
    WHERE ({is_flagged:Int8} = -1 OR is_flagged = {is_flagged:Int8})
      AND ({status:String} = '' OR status = {status:String})
    ORDER BY p_value ASC NULLS LAST, is_flagged DESC, value DESC, start_time DESC, trace_id, span_id
    LIMIT {max_rows:UInt32}
)
SELECT
    s.analyzer AS analyzer, s.analyzer_version AS analyzer_version, s.field AS field,
    lower(hex(s.trace_id)) AS trace_id_hex, lower(hex(s.span_id)) AS span_id_hex, s.start_time AS start_time,
    s.service AS service, s.model AS model, s.prompt_version AS prompt_version,
    s.status AS status, if(s.status = 'ok', s.value, NULL) AS value, s.p_value AS p_value, s.is_flagged = 1 AS is_flagged, s.evidence AS evidence,
    s.computed_at AS computed_at,
    leftUTF8(multiIf(s.field = 'prompt', g.prompt, s.field = 'completion', g.completion, ''), {preview_chars:UInt32}) AS text_preview
FROM chosen AS s
LEFT JOIN
(
    SELECT trace_id, span_id, prompt, completion
    FROM generations FINAL
    WHERE project = {project:String}
      AND start_time >= fromUnixTimestamp64Nano({from_ns:Int64}, 'UTC')
      AND start_time < fromUnixTimestamp64Nano({to_ns:Int64}, 'UTC')
      AND (start_time, trace_id, span_id) IN (SELECT start_time, trace_id, span_id FROM chosen)
) AS g ON g.trace_id = s.trace_id AND g.span_id = s.span_id
ORDER BY s.p_value ASC NULLS LAST, s.is_flagged DESC, s.value DESC, s.start_time DESC, trace_id_hex, span_id_hex
