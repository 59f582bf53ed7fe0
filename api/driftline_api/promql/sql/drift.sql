-- One figure of each window, NaN where it says nothing; comparisons of groups (bias) are not drift. One row a series.
-- parameters: project String; from_ms, to_ms Int64 (Unix ms): windows whose value may hold at some time from_ms..to_ms;
-- value String: p_value, p_value_corrected, moved_share, effect_size and confirmed (of windows that were tested) or n_current (texts).
-- confirmed: 1 where the finding is worth a page and not practically small, else 0.
-- columns: the labels; ends_ms, lengths_ms Array(Int64): each window's end, ascending, and length; values Array(Float64), NaN: none.
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
        service,
        model,
        if(findings.segment_by = '', 'model', findings.segment_by) AS segment_by,
        if(findings.segment_by = '', model, findings.segment) AS segment,
        field,
        analyzer,
        reference,
        toInt64(toUnixTimestamp64Milli(window_end)) AS end_ms,
        argMax(end_ms - toUnixTimestamp64Milli(window_start), computed_at) AS length_ms,
        argMax(
            tuple(
                multiIf(
                    {value:String} = 'p_value', p_value,
                    {value:String} = 'p_value_corrected', p_value_corrected,
                    {value:String} = 'n_current', toFloat64(n_current),
                    {value:String} = 'moved_share', moved_share,
                    {value:String} = 'confirmed' AND status IN ('ok', 'drift'), toFloat64(is_confirmed AND NOT is_small),
                    {value:String} = 'effect_size' AND status IN ('ok', 'drift'), effect_size,
                    NULL
                )
            ),
            computed_at
        ).1 AS value
    FROM findings FINAL
    WHERE project = {project:String}
      AND analyzer != 'bias'
      AND window_end <= fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
      AND toUnixTimestamp64Milli(window_end)
          + greatest(2 * (toUnixTimestamp64Milli(window_end) - toUnixTimestamp64Milli(window_start)), 3600000) >= {from_ms:Int64}
    GROUP BY service, model, segment_by, segment, field, analyzer, reference, end_ms
    ORDER BY end_ms
)
GROUP BY service, model, segment_by, segment, field, analyzer, reference
