-- Calls whose app asked for JSON by a parameter of the request. project; from_time inclusive, to_time exclusive; trace_ids, hex.
-- Returns ids in lower hex. Read from the span's own attributes: OpenTelemetry GenAI, OpenLLMetry, OpenInference, Vercel AI.
SELECT
    lower(hex(trace_id)) AS trace_id_hex,
    lower(hex(span_id)) AS span_id_hex
FROM spans
WHERE project = {project:String}
  AND start_time >= {from_time:DateTime64(3, 'UTC')}
  AND start_time < {to_time:DateTime64(3, 'UTC')}
  AND trace_id IN (SELECT toFixedString(unhex(arrayJoin({trace_ids:Array(String)})), 16))
  AND (
      attributes['gen_ai.output.type'] = 'json'
      OR attributes['gen_ai.openai.request.response_format'] IN ('json_object', 'json_schema')
      OR attributes['gen_ai.request.structured_output_schema'] != ''
      OR JSONExtractString(attributes['llm.invocation_parameters'], 'response_format', 'type') IN ('json_object', 'json_schema')
      OR startsWith(attributes['ai.operationId'], 'ai.generateObject')
      OR startsWith(attributes['ai.operationId'], 'ai.streamObject')
  )
GROUP BY trace_id, span_id
