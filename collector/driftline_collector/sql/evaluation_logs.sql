-- Log records gen_ai.evaluation.result -> evaluations. Parameters: since, segments (driftline_collector.batch).
-- A record that names no span belongs to the answer with its response_id.
-- kind: HUMAN where the SDK's feedback() has a name of the app's own; '' of others, of which user_feedback alone counts as a person's.
SELECT
    project, service, time, trace_id, span_id, attributes['gen_ai.evaluation.name'] AS name, 'log' AS source, toUInt16(content_hash) AS number,
    toFloat64OrNull(attributes['gen_ai.evaluation.score.value']) AS score, attributes['gen_ai.evaluation.score.label'] AS label,
    attributes['gen_ai.evaluation.explanation'] AS explanation, upper(attributes['driftline.annotator_kind']) AS kind, attributes['gen_ai.response.id'] AS response_id, received_at,
    now64(6, 'UTC') AS derived_at
FROM logs
WHERE $scope
  AND event_name = 'gen_ai.evaluation.result'
  AND name != ''
