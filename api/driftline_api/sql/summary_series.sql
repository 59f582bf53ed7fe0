-- Traffic of a time range by steps.
-- project. from_s (inclusive), to_s (exclusive): Unix seconds, whole minutes. step_s: seconds, a multiple of 60; steps begin at its multiples.
-- service, model, environment: exact, '' is any.
-- Columns: step_start: Unix seconds, only steps with calls; the rest as in summary_breakdown.sql.
WITH
-- include priced_rollup
SELECT
    intDiv(toInt64(toUnixTimestamp(slices.minute)), {step_s:Int64}) * {step_s:Int64} AS step_start,
-- include traffic_columns
FROM slices
GROUP BY step_start
ORDER BY step_start
