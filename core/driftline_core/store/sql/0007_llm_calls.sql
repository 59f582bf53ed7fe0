-- LLM calls and embeddings of one project and time range, each once: a row directly under another llm row of its trace (a native SDK span below
-- its instrumentation's) is the same call. Use: SELECT ... FROM llm_calls(project = {project:String}, from_time = {from_time:DateTime64(3)}, to_time = {to_time:DateTime64(3)})
-- from_time inclusive, to_time exclusive, by start_time.
CREATE VIEW IF NOT EXISTS llm_calls AS
SELECT *, model
FROM generations FINAL
WHERE project = {project:String}
  AND start_time >= {from_time:DateTime64(3, 'UTC')}
  AND start_time < {to_time:DateTime64(3, 'UTC')}
  AND kind IN ('llm', 'embedding')
  AND (trace_id, parent_span_id) NOT IN
  (
      SELECT trace_id, span_id
      FROM generations
      WHERE project = {project:String}
        AND kind = 'llm'
        AND start_time >= {from_time:DateTime64(3, 'UTC')} - INTERVAL 1 HOUR
        AND start_time < {to_time:DateTime64(3, 'UTC')}
  );
