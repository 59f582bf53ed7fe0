-- Windows in a row that drifted, up to and with each window; NaN where a window says nothing. One row a series.
-- parameters: project String; from_ms, to_ms Int64 (Unix ms): windows whose value may hold at some time from_ms..to_ms.
-- columns: the labels; ends_ms, lengths_ms Array(Int64): each window's end, ascending, and length; values Array(Float64), NaN: none.
-- A row is followed back 31 days before from_ms.
SELECT
    service,
    model,
    segment_by,
    segment,
    field,
    analyzer,
    reference,
    groupArray(end_ms) AS ends_ms,
    groupArray(length_ms) AS lengths_ms,
    groupArray(ifNull(value, nan)) AS values
FROM
(
    SELECT
        *,
        multiIf(
            status = 'ok', 0.,
            status = 'drift', toFloat64(sum(status = 'drift') OVER (
                PARTITION BY service, model, segment_by, segment, field, analyzer, reference, n_ok
                ORDER BY end_ms ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
            )),
            NULL
        ) AS value
    FROM
    (
        SELECT
            *,
            sum(status = 'ok') OVER (
                PARTITION BY service, model, segment_by, segment, field, analyzer, reference
                ORDER BY end_ms ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
            ) AS n_ok
        FROM
        (
            SELECT
                service,
                model,
                if(findings.segment_by = '', 'model', findings.segment_by) AS segment_by,
                if(findings.segment_by = '', model, findings.segment) AS segment,
                field,
                analyzer,
                reference,
                toInt64(toUnixTimestamp64Milli(window_end)) AS end_ms,
                argMax(end_ms - toUnixTimestamp64Milli(window_start), computed_at) AS length_ms,
                argMax(findings.status, computed_at) AS status
            FROM findings FINAL
            WHERE project = {project:String}
              AND analyzer != 'bias'
              AND window_end <= fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
              AND toUnixTimestamp64Milli(window_end) >= {from_ms:Int64} - 31 * 86400000
            GROUP BY service, model, segment_by, segment, field, analyzer, reference, end_ms
        )
    )
    ORDER BY end_ms
)
GROUP BY service, model, segment_by, segment, field, analyzer, reference
