-- An analyzer's scores that reviewers labelled, a row a call and field. The newest version of a score counts.
-- project. from_ns (inclusive), to_ns (exclusive): event time of the call, Unix ns. analyzer: exact, '' is any. field, service, model, version (of the analyzer):
-- exact, '' is any. max_rows.
-- Columns: analyzer, field, analyzer_version; value, is_flagged, service; n_annotators; truth: mean of their verdicts, 0 to 1; is_random, is_picked_flagged: one
-- of them came to it by that order of the queue; place: its place in the random order of review.sql.
WITH said AS
(
    SELECT
        trace_id, span_id, toString(name) AS analyzer, toString(field) AS field, count() AS n_annotators, avg(value) AS truth,
        countIf(picked_by = 'random') > 0 AS is_random, countIf(picked_by = 'flagged') > 0 AS is_picked_flagged
    FROM human_labels FINAL
    WHERE project = {project:String} AND kind = 'label' AND is_deleted = 0 AND ({analyzer:String} = '' OR name = {analyzer:String})
      AND ({field:String} = '' OR human_labels.field = {field:String})
    GROUP BY trace_id, span_id, name, human_labels.field
)
SELECT
    s.analyzer AS analyzer, s.field AS field, s.analyzer_version AS analyzer_version, s.value AS value, s.is_flagged = 1 AS is_flagged,
    said.n_annotators AS n_annotators, said.truth AS truth, said.is_random = 1 AS is_random, said.is_picked_flagged = 1 AS is_picked_flagged,
    cityHash64('review', s.trace_id, s.span_id, s.analyzer, s.field) AS place
FROM
(
    SELECT toString(analyzer) AS analyzer, toString(field) AS field, trace_id, span_id, analyzer_version, status, value, is_flagged
    FROM scores FINAL
    WHERE project = {project:String}
      AND ({analyzer:String} = '' OR scores.analyzer = {analyzer:String})
      AND start_time >= fromUnixTimestamp64Nano({from_ns:Int64}, 'UTC')
      AND start_time < fromUnixTimestamp64Nano({to_ns:Int64}, 'UTC')
      AND ({service:String} = '' OR service = {service:String})
      AND ({model:String} = '' OR model = {model:String})
      AND ({version:String} = '' OR analyzer_version = {version:String})
      AND (trace_id, span_id) IN (SELECT trace_id, span_id FROM said)
    ORDER BY computed_at DESC
    LIMIT 1 BY analyzer, field, trace_id, span_id
) AS s
INNER JOIN said ON said.trace_id = s.trace_id AND said.span_id = s.span_id AND said.analyzer = s.analyzer AND said.field = s.field
WHERE s.status = 'ok' AND isFinite(s.value)
ORDER BY analyzer, field, place
LIMIT {max_rows:UInt32}
