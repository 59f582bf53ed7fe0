-- An analyzer's scores for people to look at; those without a label first, then by one of three orders. The newest version of a score counts.
-- project. from_ns (inclusive), to_ns (exclusive): event time of the call, Unix ns. analyzer: exact; field, service, model: exact, '' is any.
-- picked_by: uncertain (nearest to the threshold), flagged (those alone, in random order) or random (in random order). The random order is that of
-- a hash of the call: the same each time, and nothing to do with its text or score. is_labelled: 0, 1, -1 is any. max_rows. preview_chars.
-- sign: -1 where low values are bad, else 1.
-- Columns: as in scores.sql, and threshold; threshold_from: set (from labels), evidence (the analyzer's own), flags (halfway between the worst value
-- that is not flagged and the best that is) or none (0.5); distance to it; is_labelled.
WITH
newest AS
(
    SELECT *
    FROM
    (
        SELECT field, start_time, trace_id, span_id, service, model, prompt_version, analyzer_version, status, value, p_value, is_flagged, computed_at
        FROM scores FINAL
        WHERE project = {project:String}
          AND analyzer = {analyzer:String}
          AND start_time >= fromUnixTimestamp64Nano({from_ns:Int64}, 'UTC')
          AND start_time < fromUnixTimestamp64Nano({to_ns:Int64}, 'UTC')
          AND ({field:String} = '' OR field = {field:String})
          AND ({service:String} = '' OR service = {service:String})
          AND ({model:String} = '' OR model = {model:String})
        ORDER BY computed_at DESC
        LIMIT 1 BY field, trace_id, span_id
    )
    WHERE status = 'ok' AND isFinite(value)
),
told AS
(
    SELECT field AS told_field, JSONExtract(evidence, 'threshold', 'Nullable(Float64)') AS told_threshold
    FROM scores
    WHERE project = {project:String}
      AND analyzer = {analyzer:String}
      AND (field, start_time, trace_id, span_id) IN
      (
          SELECT field, start_time, trace_id, span_id FROM newest ORDER BY computed_at DESC, trace_id, span_id LIMIT 1 BY field
      )
    ORDER BY computed_at DESC
    LIMIT 1 BY field
),
by_labels AS
(
    SELECT field AS set_field, analyzer_version AS set_version, threshold AS set_threshold, 1 AS is_set
    FROM
    (
        SELECT field, analyzer_version, threshold, is_removed
        FROM analyzer_thresholds FINAL
        WHERE project = {project:String} AND analyzer = {analyzer:String}
        ORDER BY version DESC
        LIMIT 1 BY field
    )
    WHERE is_removed = 0
),
by_flags AS
(
    SELECT
        field AS flags_field, argMax(analyzer_version, computed_at) AS newest_version, countIf(is_flagged = 1) > 0 AND countIf(is_flagged = 0) > 0 AS has_both,
        {sign:Int8} * (minIf({sign:Int8} * value, is_flagged = 1) + maxIf({sign:Int8} * value, is_flagged = 0)) / 2 AS flags_threshold
    FROM newest
    GROUP BY field
),
bounds AS
(
    SELECT
        flags_field,
        multiIf(is_set = 1, set_threshold, told_threshold IS NOT NULL, assumeNotNull(told_threshold), has_both, flags_threshold, 0.5) AS threshold,
        multiIf(is_set = 1, 'set', told_threshold IS NOT NULL, 'evidence', has_both, 'flags', 'none') AS threshold_from
    FROM by_flags
    LEFT JOIN by_labels ON set_field = flags_field AND set_version = newest_version
    LEFT JOIN told ON told_field = flags_field
),
labelled AS
(
    SELECT DISTINCT trace_id, span_id, field
    FROM human_labels FINAL
    WHERE project = {project:String} AND kind = 'label' AND name = {analyzer:String} AND is_deleted = 0
),
queue AS
(
    SELECT
        newest.*, threshold, threshold_from,
        abs(value - threshold) AS distance,
        cityHash64('review', trace_id, span_id, {analyzer:String}, field) AS place,
        (trace_id, span_id, field) IN (SELECT trace_id, span_id, field FROM labelled) AS is_labelled
    FROM newest
    INNER JOIN bounds ON flags_field = field
    WHERE ({picked_by:String} != 'flagged' OR is_flagged = 1)
      AND ({is_labelled:Int8} = -1 OR is_labelled = {is_labelled:Int8})
    ORDER BY is_labelled, if({picked_by:String} = 'uncertain', distance, 0), place, trace_id, span_id
    LIMIT {max_rows:UInt32}
)
SELECT
    {analyzer:String} AS analyzer, q.analyzer_version AS analyzer_version, q.field AS field,
    lower(hex(q.trace_id)) AS trace_id_hex, lower(hex(q.span_id)) AS span_id_hex, q.start_time AS start_time,
    q.service AS service, q.model AS model, q.prompt_version AS prompt_version,
    'ok' AS status, q.value AS value, q.p_value AS p_value, q.is_flagged = 1 AS is_flagged, s.evidence AS evidence, q.computed_at AS computed_at,
    leftUTF8(multiIf(q.field = 'prompt', g.prompt, q.field = 'completion', g.completion, ''), {preview_chars:UInt32}) AS text_preview,
    leftUTF8(g.prompt, {preview_chars:UInt32}) AS prompt_preview,
    q.threshold AS threshold, q.threshold_from AS threshold_from, q.distance AS distance, q.is_labelled = 1 AS is_labelled
FROM queue AS q
LEFT JOIN
(
    SELECT field, trace_id, span_id, analyzer_version, evidence
    FROM scores FINAL
    WHERE project = {project:String}
      AND analyzer = {analyzer:String}
      AND (field, start_time, trace_id, span_id) IN (SELECT field, start_time, trace_id, span_id FROM queue)
) AS s ON s.trace_id = q.trace_id AND s.span_id = q.span_id AND s.field = q.field AND s.analyzer_version = q.analyzer_version
LEFT JOIN
(
    SELECT trace_id, span_id, prompt, completion
    FROM generations FINAL
    WHERE project = {project:String}
      AND (start_time, trace_id, span_id) IN (SELECT start_time, trace_id, span_id FROM queue)
) AS g ON g.trace_id = q.trace_id AND g.span_id = q.span_id
ORDER BY q.is_labelled, if({picked_by:String} = 'uncertain', q.distance, 0), q.place, q.trace_id, q.span_id
