-- How far down the review queue's random order labels stand for all scored calls, a row an analyzer and field with labels. The queue may be walked
-- under a filter (service, model, time), which labels do not tell; so calls are divided by service and model, and by day, and in each part the walk
-- has gone to its furthest label picked in random order, and on to the second call behind it that was there when the last label was given and has
-- none (one is taken for a skip). Where not even half of a part is labelled up to there, the second call without a label ends it. Before the least of
-- these places every part was walked, and labels are a simple random sample of the whole.
-- project. from_ns (inclusive), to_ns (exclusive): event time of the call, Unix ns. analyzer, field, service, model, version (of the analyzer): exact,
-- '' is any.
-- Columns: analyzer, field; random_until, flagged_until: those places, exclusive, of all calls and of the flagged, NULL where nothing ends them;
-- random_part, flagged_part: [service, model, day] of the part that ends them, '' where it is not divided by that; services: with labels in random order.
WITH
said AS
(
    SELECT
        trace_id, span_id, toString(name) AS analyzer, toString(field) AS field, 1 AS is_labelled, countIf(picked_by = 'random') > 0 AS is_random,
        countIf(picked_by IN ('random', 'flagged')) > 0 AS is_drawn, maxIf(created_at, picked_by IN ('random', 'flagged')) AS said_at
    FROM human_labels FINAL
    WHERE project = {project:String} AND kind = 'label' AND is_deleted = 0 AND ({analyzer:String} = '' OR name = {analyzer:String})
      AND ({field:String} = '' OR human_labels.field = {field:String})
    GROUP BY trace_id, span_id, name, human_labels.field
),
scored AS
(
    SELECT *
    FROM
    (
        SELECT
            toString(analyzer) AS analyzer, toString(field) AS field, trace_id, span_id, start_time, toString(service) AS service, toString(model) AS model,
            status, value, is_flagged = 1 AS is_flagged, cityHash64('review', trace_id, span_id, scores.analyzer, scores.field) AS place
        FROM scores FINAL
        WHERE project = {project:String}
          AND ({analyzer:String} = '' OR scores.analyzer = {analyzer:String})
          AND start_time >= fromUnixTimestamp64Nano({from_ns:Int64}, 'UTC')
          AND start_time < fromUnixTimestamp64Nano({to_ns:Int64}, 'UTC')
          AND ({service:String} = '' OR service = {service:String})
          AND ({model:String} = '' OR model = {model:String})
          AND ({version:String} = '' OR analyzer_version = {version:String})
        ORDER BY computed_at DESC
        LIMIT 1 BY analyzer, field, trace_id, span_id
    )
    WHERE status = 'ok' AND isFinite(value) AND (analyzer, field) IN (SELECT analyzer, field FROM said)
),
marked AS
(
    SELECT
        s.analyzer AS analyzer, s.field AS field, s.service AS service, s.is_flagged AS is_flagged, s.place AS place,
        said.is_labelled = 1 AS is_labelled, said.is_random = 1 AS is_random, said.is_drawn = 1 AS is_drawn,
        said.is_labelled = 0 AND s.start_time <= last.last_said AS is_passed,
        arrayJoin([(s.service, s.model, ''), ('', '', toString(toDate(s.start_time)))]) AS part
    FROM scored AS s
    LEFT JOIN said ON said.analyzer = s.analyzer AND said.field = s.field AND said.trace_id = s.trace_id AND said.span_id = s.span_id
    INNER JOIN (SELECT analyzer, field, max(said_at) AS last_said FROM said GROUP BY analyzer, field) AS last
        ON last.analyzer = s.analyzer AND last.field = s.field
),
reached AS
(
    SELECT
        analyzer, field, part, maxIf(place, is_random) AS random_reach, maxIf(place, is_drawn AND is_flagged) AS flagged_reach
    FROM marked
    GROUP BY analyzer, field, part
),
parts AS
(
    SELECT
        m.analyzer AS analyzer, m.field AS field, m.part AS part,
        2 * countIf(is_labelled AND place <= random_reach) < countIf((is_labelled OR is_passed) AND place <= random_reach) AS is_thin,
        2 * countIf(is_labelled AND is_flagged AND place <= flagged_reach)
            < countIf((is_labelled OR is_passed) AND is_flagged AND place <= flagged_reach) AS is_flagged_thin,
        groupArraySortedIf(2)(place, is_passed) AS passed,
        groupArraySortedIf(2)(place, is_passed AND place > random_reach) AS passed_behind,
        groupArraySortedIf(2)(place, is_passed AND is_flagged) AS flagged_passed,
        groupArraySortedIf(2)(place, is_passed AND is_flagged AND place > flagged_reach) AS flagged_passed_behind,
        if(is_thin, passed, passed_behind) AS random_ends,
        if(is_flagged_thin, flagged_passed, flagged_passed_behind) AS flagged_ends,
        if(length(random_ends) = 2, random_ends[2], NULL) AS random_until,
        if(length(flagged_ends) = 2, flagged_ends[2], NULL) AS flagged_until,
        groupUniqArrayIf(service, is_random) AS services
    FROM marked AS m
    INNER JOIN reached AS r ON r.analyzer = m.analyzer AND r.field = m.field AND r.part = m.part
    GROUP BY m.analyzer, m.field, m.part
)
SELECT
    analyzer, field, min(parts.random_until) AS random_until, min(parts.flagged_until) AS flagged_until,
    argMin([part.1, part.2, part.3], parts.random_until) AS random_part, argMin([part.1, part.2, part.3], parts.flagged_until) AS flagged_part,
    arraySort(groupUniqArrayArray(parts.services)) AS services
FROM parts
GROUP BY analyzer, field
ORDER BY analyzer, field
