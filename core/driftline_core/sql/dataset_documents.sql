-- What was retrieved in some traces, in order.
-- project. traces: their ids in hex. from_ns, to_ns: start of the first and the last call, Unix ns; looked for an hour around.
-- Columns: trace as lower-case hex; documents: (id, content, score).
SELECT lower(hex(trace_id)) AS trace, documents
FROM generations FINAL
WHERE project = {project:String}
  AND kind = 'retrieval'
  AND start_time >= fromUnixTimestamp64Nano({from_ns:Int64}, 'UTC') - INTERVAL 1 HOUR
  AND start_time <= fromUnixTimestamp64Nano({to_ns:Int64}, 'UTC') + INTERVAL 1 HOUR
  AND trace_id IN (SELECT toFixedString(unhex(arrayJoin({traces:Array(String)})), 16))
ORDER BY start_time, span_id
