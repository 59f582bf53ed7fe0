-- One figure of each comparison of a group with others, by window; NaN where it says nothing. One row a series.
-- parameters: project String; from_ms, to_ms Int64 (Unix ms): windows whose value may hold at some time from_ms..to_ms;
-- value String: gap, low, high (in the measure's unit; also where sessions were too few for a test), d (standard deviations between sessions),
-- p_value_corrected and confirmed (of what was tested) or samples (sessions of the smaller arm, or pairs).
-- confirmed: 1 where the finding is worth a page, else 0. Shares of mentions are no comparison.
-- columns: the labels; ends_ms, lengths_ms Array(Int64): each window's end, ascending, and length; values Array(Float64), NaN: none.
SELECT
    service,
    model,
    segment_by,
    segment,
    field,
    reference,
    groupArray(end_ms) AS ends_ms,
    groupArray(length_ms) AS lengths_ms,
    groupArray(ifNull(value, nan)) AS values
FROM
(
    SELECT
        service,
        model,
        segment_by,
        segment,
        field,
        reference,
        toInt64(toUnixTimestamp64Milli(window_end)) AS end_ms,
        argMax(end_ms - toUnixTimestamp64Milli(window_start), computed_at) AS length_ms,
        argMax(
            tuple(
                multiIf(
                    {value:String} = 'gap', statistic,
                    {value:String} IN ('low', 'high', 'd'), JSONExtract(explanation, {value:String}, 'Nullable(Float64)'),
                    {value:String} = 'samples' AND JSONHas(explanation, 'n_pairs'), JSONExtractFloat(explanation, 'n_pairs'),
                    {value:String} = 'samples',
                    least(JSONExtractFloat(explanation, 'n_group_sessions'), JSONExtractFloat(explanation, 'n_other_sessions')),
                    {value:String} = 'p_value_corrected', p_value_corrected,
                    {value:String} = 'confirmed' AND status IN ('ok', 'gap'), toFloat64(is_confirmed AND NOT is_small),
                    NULL
                )
            ),
            computed_at
        ).1 AS value
    FROM findings FINAL
    WHERE project = {project:String}
      AND analyzer = 'bias'
      AND field != 'mentions'
      AND window_end <= fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
      AND toUnixTimestamp64Milli(window_end)
          + greatest(2 * (toUnixTimestamp64Milli(window_end) - toUnixTimestamp64Milli(window_start)), 3600000) >= {from_ms:Int64}
    GROUP BY service, model, segment_by, segment, field, reference, end_ms
    ORDER BY end_ms
)
GROUP BY service, model, segment_by, segment, field, reference
