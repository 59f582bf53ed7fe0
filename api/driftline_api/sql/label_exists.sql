-- Whether the API holds what somebody said of a call.
-- project. trace_id: 32 hex digits, span_id: 16 (zeros: the trace). kind, name, field, annotator: exact.
-- Columns: n, 0 or 1.
SELECT count() AS n
FROM human_labels FINAL
WHERE project = {project:String}
  AND trace_id = toFixedString(unhex({trace_id:String}), 16)
  AND span_id = toFixedString(unhex({span_id:String}), 8)
  AND kind = {kind:String}
  AND name = {name:String}
  AND field = {field:String}
  AND annotator = {annotator:String}
  AND is_deleted = 0
