-- Traffic of a time range, in all and by service, by model and by prompt version.
-- project. from_s (inclusive), to_s (exclusive): Unix seconds, whole minutes. service, model, environment: exact, '' is any.
-- Columns: grouping: 'all', 'service', 'model' or 'prompt_version' and that group's names; counts of calls, errors and tokens;
-- total_cost_usd: USD of the calls with a known price; durations_ms: p50, p90, p95, p99 in milliseconds (NaN when there were no calls).
WITH
-- include priced_rollup
SELECT
    multiIf(grouping(slices.service) = 0, 'service', grouping(slices.model) = 0, 'model',
            grouping(slices.prompt_version) = 0, 'prompt_version', 'all') AS grouped_by,
    slices.service AS service, slices.provider AS provider, slices.model AS model, slices.prompt_version AS prompt_version,
-- include traffic_columns
FROM slices
GROUP BY GROUPING SETS ((), (slices.service), (slices.provider, slices.model), (slices.prompt_version))
ORDER BY n_calls DESC, service, provider, model, prompt_version
SETTINGS force_grouping_standard_compatibility = 1
