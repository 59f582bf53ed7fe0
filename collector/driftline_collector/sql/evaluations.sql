-- A batch of spans -> evaluations that stand on them: OpenInference's indexed attributes, and span events of the conventions.
-- $spans: as for generations.sql; $derived_at: a literal. number: place among those of the span, so that equal names stay apart.
SELECT
    project, service, (e).7 AS time, trace_id, span_id, (e).1 AS name, (e).6 AS source, toUInt16(number) AS number,
    toFloat64OrNull((e).2) AS score, (e).3 AS label, (e).4 AS explanation, (e).5 AS kind, (e).8 AS response_id, received_at,
    $derived_at AS derived_at
FROM
(
    SELECT
        project, service, trace_id, span_id, received_at,
        arrayConcat(
            arrayMap(p -> (
                attributes[concat(p, '.name')], attributes[concat(p, '.score')], attributes[concat(p, '.label')],
                attributes[concat(p, '.explanation')], attributes[concat(p, '.annotator_kind')], 'span', ended, ''),
                arraySort(arrayDistinct(arrayFilter(p -> p != '', arrayMap(
                    k -> extract(k, '^((?:trace\\.|session\\.)?(?:evaluations|annotations)\\.[0-9]+\\.(?:evaluation|annotation))\\.name$'), keys))))),
            arrayMap(x -> (
                (x).3['gen_ai.evaluation.name'], (x).3['gen_ai.evaluation.score.value'], (x).3['gen_ai.evaluation.score.label'],
                (x).3['gen_ai.evaluation.explanation'], '', 'event', fromUnixTimestamp64Nano(toInt64((x).1), 'UTC'), (x).3['gen_ai.response.id']),
                arrayFilter(x -> (x).2 = 'gen_ai.evaluation.result' AND NOT mapContains((x).3, 'body'), events))) AS found
    FROM (SELECT *, mapFromArrays(keys, v) AS attributes, addNanoseconds(start_time, duration_ns) AS ended FROM ($spans))
)
ARRAY JOIN found AS e, arrayEnumerate(found) AS number
WHERE (e).1 != ''
