-- Calls of one service and slicing that are looked at one by one however few a window's sample takes: at most max_kept of each reason.
-- project, service; segment_by: the slicing; values, starts, ends: the windows, a segment's value, its start (inclusive) and end (exclusive),
-- Unix ms, windows of a segment apart; from_time inclusive, to_time exclusive: around all of them.
-- keep: outliers (flagged when their window was tested before), errors, extremes (the largest of each number).
-- Returns segment, window_start_ms, trace_id_hex, span_id_hex (lower hex), kept_for: the first reason in this order: outlier, error, extreme.
SELECT segment, window_start_ms, lower(hex(trace_id)) AS trace_id_hex, lower(hex(span_id)) AS span_id_hex, kept_for
FROM
(
    SELECT
        segment, window_start_ms, trace_id, span_id, session_id,
        multiIf(
            has({keep:Array(String)}, 'outliers') AND (trace_id, span_id) IN (
                SELECT trace_id, span_id
                FROM scores FINAL
                WHERE project = {project:String}
                  AND analyzer = 'outliers'
                  AND is_flagged = 1
                  AND start_time >= {from_time:DateTime64(3, 'UTC')}
                  AND start_time < {to_time:DateTime64(3, 'UTC')}
            ), 'outlier',
            has({keep:Array(String)}, 'errors') AND is_error = 1, 'error',
            has({keep:Array(String)}, 'extremes') AND least(
                row_number() OVER (PARTITION BY segment, window_start_ms ORDER BY prompt_bytes DESC, trace_id, span_id),
                row_number() OVER (PARTITION BY segment, window_start_ms ORDER BY completion_bytes DESC, trace_id, span_id),
                row_number() OVER (PARTITION BY segment, window_start_ms ORDER BY output_tokens DESC NULLS LAST, trace_id, span_id),
                row_number() OVER (PARTITION BY segment, window_start_ms ORDER BY duration_ms DESC, trace_id, span_id)
            ) <= intDiv({max_kept:UInt64}, 4), 'extreme',
            ''
        ) AS kept_for
    FROM
    (
        SELECT
            calls.segment AS segment, windows.start_ms AS window_start_ms, trace_id, span_id, session_id, is_error,
            prompt_bytes, completion_bytes, output_tokens, duration_ms
        FROM
        (
            SELECT
                trace_id, span_id, session_id, is_error, output_tokens, duration_ms,
                length(prompt) AS prompt_bytes,
                length(completion) AS completion_bytes,
                toUnixTimestamp64Milli(start_time) AS at_ms,
                segments[{segment_by:String}] AS segment
            FROM analysis_calls(
                project = {project:String}, from_time = {from_time:DateTime64(3, 'UTC')}, to_time = {to_time:DateTime64(3, 'UTC')}
            )
            WHERE service = {service:String}
              AND kind = 'llm'
              AND has({values:Array(String)}, segment)
              AND (notEmpty(prompt) OR notEmpty(completion))
        ) AS calls
        ASOF INNER JOIN
        (
            SELECT window.1 AS segment, window.2 AS start_ms, window.3 AS end_ms
            FROM (SELECT arrayJoin(arrayZip({values:Array(String)}, {starts:Array(Int64)}, {ends:Array(Int64)})) AS window)
        ) AS windows ON calls.segment = windows.segment AND calls.at_ms >= windows.start_ms
        WHERE at_ms < windows.end_ms
    )
)
WHERE kept_for != ''
ORDER BY cityHash64(session_id, trace_id, span_id), trace_id, span_id
LIMIT {max_kept:UInt64} BY window_start_ms, segment, kept_for
