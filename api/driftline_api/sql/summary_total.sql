-- Traffic of a time range in all.
-- project. from_s (inclusive), to_s (exclusive): Unix seconds, whole minutes. service, model, environment: exact, '' is any.
-- Columns: as in summary_breakdown.sql, one row, grouped_by 'all'.
WITH
-- include priced_rollup
SELECT
    'all' AS grouped_by,
-- include traffic_columns
FROM slices
