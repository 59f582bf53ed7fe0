-- Texts of one service and slicing, each call once, sampled by whole sessions: sessions in the order of a hash of their id, so that the same
-- ones are chosen every time. A call without a session id counts as a session of its trace.
-- project, service; segment_by: the slicing; values, starts, ends: the windows, a segment's value, its start (inclusive) and end (exclusive),
-- Unix ms, windows of a segment apart; from_time inclusive, to_time exclusive: around all of them.
-- max_chars: longest text returned; max_per_session: rows of one session in a window; max_per_window: rows of one window and kind.
-- Returns segment, window_start_ms, kind, trace_id_hex, span_id_hex (lower hex), start_ns (Unix ns), session_id, what the call is divided by,
-- its numbers, prompt, completion, documents.
SELECT *
FROM
(
    SELECT
        lower(hex(trace_id)) AS trace_id_hex,
        lower(hex(span_id)) AS span_id_hex,
        toUnixTimestamp64Nano(start_time) AS start_ns,
        calls.segment AS segment,
        windows.start_ms AS window_start_ms,
        kind,
        session_id,
        model,
        prompt_version,
        prompt_name,
        environment,
        release,
        provider,
        user_id,
        agent_name,
        metadata,
        toFloat64(input_tokens) AS input_tokens,
        toFloat64(output_tokens) AS output_tokens,
        duration_ms,
        time_to_first_token_ms,
        leftUTF8(prompt, {max_chars:UInt64}) AS prompt,
        leftUTF8(completion, {max_chars:UInt64}) AS completion,
        arrayMap(document -> leftUTF8(document, {max_chars:UInt64}), documents) AS documents,
        if(session_id != '', session_id, trace_id_hex) AS session_key
    FROM
    (
        SELECT *, toUnixTimestamp64Milli(start_time) AS at_ms, segments[{segment_by:String}] AS segment
        FROM analysis_calls(
            project = {project:String}, from_time = {from_time:DateTime64(3, 'UTC')}, to_time = {to_time:DateTime64(3, 'UTC')}
        )
        WHERE service = {service:String}
          AND is_error = 0
          AND has({values:Array(String)}, segment)
          AND ((kind = 'llm' AND (notEmpty(prompt) OR notEmpty(completion))) OR (kind = 'retrieval' AND (notEmpty(prompt) OR notEmpty(documents))))
    ) AS calls
    ASOF INNER JOIN
    (
        SELECT window.1 AS segment, window.2 AS start_ms, window.3 AS end_ms
        FROM (SELECT arrayJoin(arrayZip({values:Array(String)}, {starts:Array(Int64)}, {ends:Array(Int64)})) AS window)
    ) AS windows ON calls.segment = windows.segment AND calls.at_ms >= windows.start_ms
    WHERE at_ms < windows.end_ms
    ORDER BY cityHash64(session_key), session_key, start_ns, trace_id_hex, span_id_hex
    LIMIT {max_per_session:UInt64} BY session_key, window_start_ms, segment, kind
)
ORDER BY cityHash64(session_key), session_key, start_ns, trace_id_hex, span_id_hex
LIMIT {max_per_window:UInt64} BY window_start_ms, segment, kind
