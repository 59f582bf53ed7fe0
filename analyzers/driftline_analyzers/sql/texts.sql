-- Texts of one service, each call once, sampled by whole sessions: sessions in the order of a hash of their id, so that the same ones
-- are chosen every time. A call without a session id counts as a session of its trace.
-- project, service; model: '' for any; from_time inclusive, to_time exclusive.
-- starts, models: pairs of window start (Unix ms) and model to keep, empty for all; window_ms: window length in ms.
-- max_chars: longest text returned; max_per_session: rows of one session in a window; max_per_window: rows of one window and model;
-- max_texts: rows in all.
-- Returns trace_id_hex, span_id_hex (lower hex), start_ns (Unix ns), window_start_ms (Unix ms), model, prompt_version, session_id, prompt, completion.
SELECT *
FROM
(
    SELECT
        lower(hex(trace_id)) AS trace_id_hex,
        lower(hex(span_id)) AS span_id_hex,
        toUnixTimestamp64Nano(start_time) AS start_ns,
        intDiv(toUnixTimestamp64Milli(start_time), {window_ms:Int64}) * {window_ms:Int64} AS window_start_ms,
        model,
        prompt_version,
        session_id,
        leftUTF8(prompt, {max_chars:UInt64}) AS prompt,
        leftUTF8(completion, {max_chars:UInt64}) AS completion,
        if(session_id != '', session_id, trace_id_hex) AS session_key
    FROM llm_calls(
        project = {project:String}, from_time = {from_time:DateTime64(3, 'UTC')}, to_time = {to_time:DateTime64(3, 'UTC')}
    )
    WHERE service = {service:String}
      AND kind = 'llm'
      AND is_error = 0
      AND (notEmpty(prompt) OR notEmpty(completion))
      AND ({model:String} = '' OR model = {model:String})
      AND
      (
          empty({starts:Array(Int64)})
          OR (window_start_ms, model) IN (SELECT arrayJoin(arrayZip({starts:Array(Int64)}, {models:Array(String)})))
      )
    ORDER BY cityHash64(session_key), session_key, start_ns, trace_id_hex, span_id_hex
    LIMIT {max_per_session:UInt64} BY session_key, window_start_ms, model
)
ORDER BY cityHash64(session_key), session_key, start_ns, trace_id_hex, span_id_hex
LIMIT {max_per_window:UInt64} BY window_start_ms, model
LIMIT {max_texts:UInt64}
