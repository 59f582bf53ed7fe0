-- Share of each hour's sampled texts that the outlier analyzer flagged, by its newest run; those kept beside the sample, because they failed
-- or are extreme, would shift it. One row a series.
-- parameters: project String; from_ms, to_ms Int64 (Unix ms): hours whose value may hold at some time from_ms..to_ms.
-- columns: the labels; ends_ms, lengths_ms Array(Int64): each hour's end, ascending, and length; values Array(Float64), NaN: none.
SELECT
    service,
    model,
    field,
    groupArray(end_ms) AS ends_ms,
    groupArray(toInt64(3600000)) AS lengths_ms,
    groupArray(ifNull(value, nan)) AS values
FROM
(
    SELECT service, model, field, end_ms, toNullable(avg(flagged)) AS value
    FROM
    (
        SELECT
            service,
            model,
            field,
            (intDiv(toUnixTimestamp64Milli(start_time), 3600000) + 1) * 3600000 AS end_ms,
            argMax(is_flagged, computed_at) AS flagged
        FROM scores FINAL
        WHERE project = {project:String}
          AND analyzer = 'outliers'
          AND NOT JSONHas(evidence, 'kept_for')
          AND start_time >= fromUnixTimestamp64Milli(greatest({from_ms:Int64} - 4 * 3600000, 0), 'UTC')
          AND start_time < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
        GROUP BY service, model, field, start_time, trace_id, span_id
    )
    GROUP BY service, model, field, end_ms
    ORDER BY end_ms
)
GROUP BY service, model, field
