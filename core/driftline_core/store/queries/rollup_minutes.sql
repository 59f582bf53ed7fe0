-- Computes minutes of one project anew, whole. Parameters: project; from_time, to_time: range that holds the minutes, UTC; minutes: unix
-- seconds of each minute's start; bounds: upper bounds of the duration histogram in ms; updated_at: the version of the new rows.
-- A slice that is in rollup_1m and has no call any more gets a row of zeros.
INSERT INTO rollup_1m
    (project, minute, service, environment, provider, model, kind, prompt_version, calls, errors, input_tokens, output_tokens,
     cache_read_tokens, cache_write_tokens, reasoning_tokens, calls_without_tokens, duration_sum_ms, duration_buckets,
     duration_quantiles, updated_at)
SELECT
    project, minute, service, environment, provider, model, kind, prompt_version,
    sum(n) AS calls,
    sum(n_errors) AS errors,
    sum(input), sum(output), sum(cache_read), sum(cache_write), sum(reasoning),
    sum(n_without_tokens),
    sum(ms),
    arrayConcat(sumForEach(arrayMap(bound -> toUInt64(n = 1 AND ms <= bound), {bounds:Array(Float64)})), [sum(n)]),
    quantilesTDigestStateIf(0.5, 0.9, 0.95, 0.99)(ms, n = 1),
    {updated_at:DateTime64(3, 'UTC')}
FROM
(
    SELECT
        project, toStartOfMinute(start_time)::DateTime('UTC') AS minute, service, environment, provider, model, kind,
        prompt_version, toUInt64(1) AS n, toUInt64(is_error) AS n_errors,
        ifNull(input_tokens, 0) AS input, ifNull(output_tokens, 0) AS output, ifNull(cache_read_tokens, 0) AS cache_read,
        ifNull(cache_write_tokens, 0) AS cache_write, ifNull(reasoning_tokens, 0) AS reasoning,
        toUInt64(input_tokens IS NULL AND output_tokens IS NULL AND NOT is_error) AS n_without_tokens,
        duration_ms AS ms
    FROM llm_calls(project = {project:String}, from_time = {from_time:DateTime64(3, 'UTC')},
                   to_time = {to_time:DateTime64(3, 'UTC')})
    WHERE toUnixTimestamp(toStartOfMinute(start_time)) IN {minutes:Array(UInt32)}
    UNION ALL
    SELECT
        project, minute, service, environment, provider, model, kind, prompt_version,
        0, 0, 0, 0, 0, 0, 0, 0, 0
    FROM rollup_1m
    WHERE project = {project:String} AND toUnixTimestamp(minute) IN {minutes:Array(UInt32)}
)
GROUP BY project, minute, service, environment, provider, model, kind, prompt_version
