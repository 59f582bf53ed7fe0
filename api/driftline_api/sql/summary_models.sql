-- Traffic of a time range by steps and model; models beyond the max_models with most tokens and calls are put together as ''.
-- project. from_s (inclusive), to_s (exclusive): Unix seconds, whole minutes. step_s: seconds, a multiple of 60. max_models.
-- service, model, environment: exact, '' is any.
-- Columns: step_start: Unix seconds, only steps with calls; shown_model; is_other; n_calls; n_tokens: input and output; total_cost_usd.
WITH
-- include priced_rollup
    ,
    biggest AS
    (
        SELECT slices.model AS name
        FROM slices
        GROUP BY name
        ORDER BY sum(slices.input_tokens) + sum(slices.output_tokens) DESC, sum(calls) DESC, name
        LIMIT {max_models:UInt32}
    )
SELECT
    intDiv(toInt64(toUnixTimestamp(slices.minute)), {step_s:Int64}) * {step_s:Int64} AS step_start,
    slices.model NOT IN (SELECT name FROM biggest) AS is_other,
    if(is_other, '', slices.model) AS shown_model,
    sum(calls) AS n_calls,
    sum(slices.input_tokens) + sum(slices.output_tokens) AS n_tokens,
    sum(slices.cost_usd) AS total_cost_usd
FROM slices
GROUP BY step_start, is_other, shown_model
ORDER BY is_other, shown_model, step_start
