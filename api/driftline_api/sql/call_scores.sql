-- What an analyzer says of one stored call, newest version, a row a field.
-- project. trace_id: 32 hex digits, span_id: 16. analyzer, field: exact, '' is any field.
-- Columns: field; is_flagged; value, in the analyzer's unit.
SELECT field, is_flagged, value
FROM
(
    SELECT field, is_flagged, value, status
    FROM scores FINAL
    WHERE project = {project:String}
      AND analyzer = {analyzer:String}
      AND ({field:String} = '' OR field = {field:String})
      AND trace_id = toFixedString(unhex({trace_id:String}), 16)
      AND span_id = toFixedString(unhex({span_id:String}), 8)
      AND start_time IN
      (
          SELECT start_time
          FROM generations
          WHERE project = {project:String}
            AND trace_id = toFixedString(unhex({trace_id:String}), 16)
            AND span_id = toFixedString(unhex({span_id:String}), 8)
      )
    ORDER BY computed_at DESC
    LIMIT 1 BY field
)
WHERE status = 'ok'
ORDER BY field
