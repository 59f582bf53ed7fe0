-- The generations of one trace, or of one of its spans.
-- project. trace_id: 32 hex digits. span_id: 16 hex digits, '' is all. max_rows. preview_chars. with_content: 1 adds the texts in full.
-- Columns: see generation_columns.sql; times UTC, durations ms, cost USD (NULL without a price or without tokens).
WITH
-- include price_book
SELECT
-- include generation_columns
FROM generations AS g FINAL
LEFT JOIN price_book AS book ON book.provider = g.provider AND book.model = g.model
WHERE g.project = {project:String}
  AND g.trace_id = toFixedString(unhex({trace_id:String}), 16)
  AND ({span_id:String} = '' OR g.span_id = toFixedString(unhex({span_id:String}), 8))
ORDER BY start_time, span_id_hex
LIMIT {max_rows:UInt32}
