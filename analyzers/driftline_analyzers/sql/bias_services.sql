-- Services of a project with LLM calls in a time range. project; from_time inclusive, to_time exclusive. per_model: 1 divides them by model.
-- Returns service, model ('' unless per_model), n_calls, prompt_version (the newest); most calls first.
SELECT
    toString(service) AS service_name,
    if({per_model:UInt8} = 1, toString(model), '') AS model_name,
    count() AS n_calls,
    toString(argMax(prompt_version, start_time)) AS newest_prompt_version
FROM llm_calls(project = {project:String}, from_time = {from_time:DateTime64(3, 'UTC')}, to_time = {to_time:DateTime64(3, 'UTC')})
WHERE kind = 'llm' AND is_error = 0 AND notEmpty(completion)
GROUP BY service_name, model_name
ORDER BY n_calls DESC, service_name, model_name
