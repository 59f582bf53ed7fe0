-- How many characters the retrievals and tools of some traces returned. project; from_time inclusive, to_time exclusive: around them;
-- trace_ids: hex; max_chars: of one text. Returns trace_id_hex (lower hex), n_chars.
SELECT
    lower(hex(trace_id)) AS trace_id_hex,
    sum(arraySum(document -> least(lengthUTF8(document.2), {max_chars:UInt64}), documents)
        + least(lengthUTF8(tool_result), {max_chars:UInt64})) AS n_chars
FROM generations FINAL
WHERE project = {project:String}
  AND kind IN ('retrieval', 'reranker', 'tool')
  AND start_time >= {from_time:DateTime64(3, 'UTC')}
  AND start_time < {to_time:DateTime64(3, 'UTC')}
  AND trace_id IN (SELECT toFixedString(unhex(arrayJoin({trace_ids:Array(String)})), 16))
GROUP BY trace_id
