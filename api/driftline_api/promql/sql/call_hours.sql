-- What each hour's scored calls come to: the share that is flagged, or the mean of what was measured. One row a series.
-- parameters: project String; value String (flagged_ratio or value_mean); from_ms, to_ms Int64 (Unix ms): hours whose value may hold at some time from_ms..to_ms.
-- columns: the labels; ends_ms, lengths_ms Array(Int64): each hour's end, ascending, and length; values Array(Float64), NaN: none.
SELECT
    service,
    model,
    analyzer,
    field,
    groupArray(end_ms) AS ends_ms,
    groupArray(toInt64(3600000)) AS lengths_ms,
    groupArray(value) AS values
FROM
(
    SELECT
        service,
        model,
        analyzer,
        field,
        toInt64(intDiv(toUnixTimestamp(minute), 3600) + 1) * 3600000 AS end_ms,
        if({value:String} = 'flagged_ratio', sum(flagged), sum(value_sum)) / sum(scored) AS value
    FROM scores_1m FINAL
    WHERE project = {project:String}
      AND minute >= toDateTime(intDiv(greatest({from_ms:Int64} - 4 * 3600000, 0), 1000), 'UTC')
      AND minute < toDateTime(intDiv({to_ms:Int64}, 1000), 'UTC')
      AND scored > 0
    GROUP BY service, model, analyzer, field, end_ms
    ORDER BY end_ms
)
GROUP BY service, model, analyzer, field
