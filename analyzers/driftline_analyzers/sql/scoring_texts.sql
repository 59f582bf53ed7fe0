-- Texts of single calls. project; from_time inclusive, to_time exclusive: around them; trace_ids, span_ids: the calls, hex;
-- max_chars: longest text returned; max_texts: most documents of one call.
-- Returns ids in lower hex, system_prompt, prompt, completion, documents (texts), input_messages ('' unless a tool spoke in them, or cut),
-- and what was cut off: unread_..._chars: characters of the text, of documents of each returned one; n_more_documents: not returned.
SELECT
    lower(hex(trace_id)) AS trace_id_hex,
    lower(hex(span_id)) AS span_id_hex,
    leftUTF8(g.system_prompt, {max_chars:UInt64}) AS system_prompt,
    leftUTF8(g.prompt, {max_chars:UInt64}) AS prompt,
    leftUTF8(g.completion, {max_chars:UInt64}) AS completion,
    arrayMap(document -> leftUTF8(document.2, {max_chars:UInt64}), arraySlice(g.documents, 1, {max_texts:UInt32})) AS documents,
    if(position(g.input_messages, '"tool"') > 0 AND lengthUTF8(g.input_messages) <= {max_chars:UInt64}, g.input_messages, '') AS input_messages,
    greatest(lengthUTF8(g.system_prompt), {max_chars:UInt64}) - {max_chars:UInt64} AS unread_system_chars,
    greatest(lengthUTF8(g.prompt), {max_chars:UInt64}) - {max_chars:UInt64} AS unread_prompt_chars,
    greatest(lengthUTF8(g.completion), {max_chars:UInt64}) - {max_chars:UInt64} AS unread_completion_chars,
    arrayMap(
        document -> greatest(lengthUTF8(document.2), {max_chars:UInt64}) - {max_chars:UInt64}, arraySlice(g.documents, 1, {max_texts:UInt32})
    ) AS unread_document_chars,
    greatest(length(g.documents), {max_texts:UInt32}) - {max_texts:UInt32} AS n_more_documents,
    if(position(g.input_messages, '"tool"') > 0 AND lengthUTF8(g.input_messages) > {max_chars:UInt64}, lengthUTF8(g.input_messages), 0)
        AS unread_message_chars
FROM generations AS g FINAL
WHERE project = {project:String}
  AND start_time >= {from_time:DateTime64(3, 'UTC')}
  AND start_time < {to_time:DateTime64(3, 'UTC')}
  AND (trace_id, span_id) IN (
      SELECT toFixedString(unhex(call.1), 16), toFixedString(unhex(call.2), 8)
      FROM (SELECT arrayJoin(arrayZip({trace_ids:Array(String)}, {span_ids:Array(String)})) AS call)
  )
