-- What was frozen of one version of a reference set.
-- project, name, version, segment_by, segment.
-- Returns n_calls, n_blocks (sessions; calls without one count by fives), n_prompts, n_completions, n_retrievals, first_time, last_time (UTC).
SELECT
    countIf(kind = 'llm') AS n_calls,
    uniqExactIf(session_id, kind = 'llm' AND session_id != '') + intDiv(countIf(kind = 'llm' AND session_id = '') + 4, 5) AS n_blocks,
    countIf(kind = 'llm' AND notEmpty(prompt)) AS n_prompts,
    countIf(kind = 'llm' AND notEmpty(completion)) AS n_completions,
    countIf(kind = 'retrieval') AS n_retrievals,
    toDateTime64(min(start_time), 3, 'UTC') AS first_time,
    toDateTime64(max(start_time), 3, 'UTC') AS last_time
FROM reference_texts FINAL
WHERE project = {project:String}
  AND name = {name:String}
  AND version = {version:String}
  AND segment_by = {segment_by:String}
  AND segment = {segment:String}
