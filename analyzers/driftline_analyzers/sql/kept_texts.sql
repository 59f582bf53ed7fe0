-- What the outlier analyzer needs of single calls. project; service; from_time inclusive, to_time exclusive: around them;
-- trace_ids, span_ids: the calls, hex; max_chars: longest text returned.
-- Returns trace_id_hex, span_id_hex, start_ns (Unix ns), session_id, model, prompt_version, prompt, completion.
SELECT
    lower(hex(trace_id)) AS trace_id_hex,
    lower(hex(span_id)) AS span_id_hex,
    toUnixTimestamp64Nano(start_time) AS start_ns,
    session_id,
    toString(model) AS model,
    toString(prompt_version) AS prompt_version,
    leftUTF8(prompt, {max_chars:UInt64}) AS prompt,
    leftUTF8(completion, {max_chars:UInt64}) AS completion
FROM generations FINAL
WHERE project = {project:String}
  AND service = {service:String}
  AND start_time >= {from_time:DateTime64(3, 'UTC')}
  AND start_time < {to_time:DateTime64(3, 'UTC')}
  AND (trace_id, span_id) IN (
      SELECT toFixedString(unhex(call.1), 16), toFixedString(unhex(call.2), 8)
      FROM (SELECT arrayJoin(arrayZip({trace_ids:Array(String)}, {span_ids:Array(String)})) AS call)
  )
