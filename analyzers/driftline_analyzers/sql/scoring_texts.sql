-- Texts of single calls. project; from_time inclusive, to_time exclusive: around them; trace_ids, span_ids: the calls, hex;
-- max_chars: longest text returned; max_texts: most documents of one call.
-- Returns ids in lower hex, system_prompt, prompt, completion, documents (texts), input_messages ('' unless a tool spoke in them, or cut).
SELECT
    lower(hex(trace_id)) AS trace_id_hex,
    lower(hex(span_id)) AS span_id_hex,
    leftUTF8(system_prompt, {max_chars:UInt64}) AS system_prompt,
    leftUTF8(prompt, {max_chars:UInt64}) AS prompt,
    leftUTF8(completion, {max_chars:UInt64}) AS completion,
    arrayMap(document -> leftUTF8(document.2, {max_chars:UInt64}), arraySlice(documents, 1, {max_texts:UInt32})) AS documents,
    if(position(input_messages, '"tool"') > 0 AND lengthUTF8(input_messages) <= {max_chars:UInt64}, input_messages, '') AS input_messages
FROM generations FINAL
WHERE project = {project:String}
  AND start_time >= {from_time:DateTime64(3, 'UTC')}
  AND start_time < {to_time:DateTime64(3, 'UTC')}
  AND (trace_id, span_id) IN (
      SELECT toFixedString(unhex(call.1), 16), toFixedString(unhex(call.2), 8)
      FROM (SELECT arrayJoin(arrayZip({trace_ids:Array(String)}, {span_ids:Array(String)})) AS call)
  )
