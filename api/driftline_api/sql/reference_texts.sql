-- How many texts a time range of one service's LLM calls holds.
-- project. service. model: '' is any. from_ms (inclusive), to_ms (exclusive): event time, Unix ms.
-- Columns: n_generations, and of them n_prompts, n_completions (with text).
SELECT
    count() AS n_generations,
    countIf(prompt != '') AS n_prompts,
    countIf(completion != '') AS n_completions
FROM generations FINAL
WHERE project = {project:String} AND service = {service:String} AND kind = 'llm'
  AND start_time >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC')
  AND start_time < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
  AND ({model:String} = '' OR model = {model:String})
