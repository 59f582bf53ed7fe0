-- One page of generations, newest first (start_time, trace_id, span_id).
-- project. from_ns (inclusive), to_ns (exclusive): event time, Unix ns. service, model, provider, kind, prompt_version, session_id,
-- user_id: exact, '' is any. is_error: 0, 1, -1 is any. q: text to find in prompt or completion, in either case, '' is none.
-- cursor_ns, cursor_trace, cursor_span: the last row of the page before (has_cursor = 1). max_rows. preview_chars. with_content: 1 adds the texts in full.
-- Columns: see generation_columns.sql; times UTC, durations ms, cost USD (NULL without a price or without tokens).
-- The page's keys are found on narrow columns first; only its rows are read in full.
WITH
-- include price_book
SELECT
-- include generation_columns
FROM generations AS g FINAL
LEFT JOIN price_book AS book ON book.provider = g.provider AND book.model = g.model
WHERE g.project = {project:String}
  AND g.start_time >= fromUnixTimestamp64Nano({from_ns:Int64}, 'UTC')
  AND g.start_time < fromUnixTimestamp64Nano({to_ns:Int64}, 'UTC')
  AND (g.start_time, g.trace_id, g.span_id) IN
  (
      SELECT start_time, trace_id, span_id
      FROM generations FINAL
      WHERE project = {project:String}
        AND start_time >= fromUnixTimestamp64Nano({from_ns:Int64}, 'UTC')
        AND start_time < fromUnixTimestamp64Nano({to_ns:Int64}, 'UTC')
        AND ({service:String} = '' OR service = {service:String})
        AND ({model:String} = '' OR model = {model:String})
        AND ({provider:String} = '' OR provider = {provider:String})
        AND ({kind:String} = '' OR kind = {kind:String})
        AND ({prompt_version:String} = '' OR prompt_version = {prompt_version:String})
        AND ({session_id:String} = '' OR session_id = {session_id:String})
        AND ({user_id:String} = '' OR user_id = {user_id:String})
        AND ({is_error:Int8} = -1 OR is_error = {is_error:Int8})
        AND
        (
            {q:String} = ''
            OR positionCaseInsensitiveUTF8(prompt, {q:String}) > 0
            OR positionCaseInsensitiveUTF8(completion, {q:String}) > 0
        )
        AND
        (
            {has_cursor:UInt8} = 0
            OR (start_time, trace_id, span_id) <
               (
                   fromUnixTimestamp64Nano({cursor_ns:Int64}, 'UTC'),
                   toFixedString(unhex({cursor_trace:String}), 16),
                   toFixedString(unhex({cursor_span:String}), 8)
               )
        )
      ORDER BY start_time DESC, trace_id DESC, span_id DESC
      LIMIT {max_rows:UInt32}
  )
ORDER BY start_time DESC, trace_id_hex DESC, span_id_hex DESC
LIMIT {max_rows:UInt32}
