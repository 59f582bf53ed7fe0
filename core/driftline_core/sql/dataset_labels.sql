-- What people said of some traces.
-- project. traces: their ids in hex.
-- Columns: trace, span as lower-case hex (span of zeros: the whole trace); kind, name, field, value, label, comment, annotator, source; time UTC.
SELECT
    lower(hex(trace_id)) AS trace, lower(hex(span_id)) AS span, kind, toString(name) AS name, toString(field) AS field, value, label, comment, annotator,
    toString(source) AS source, time
FROM judgements(project = {project:String}, traces = {traces:Array(String)}, from_ms = 0, to_ms = 4102444800000)
ORDER BY trace, time, kind, name, field, annotator
