-- Services that sent LLM calls, the busiest first.
-- project. from_s (inclusive), to_s (exclusive): Unix seconds.
-- Columns: service; n_calls, n_errors; first_minute, last_minute UTC; environments, providers, models, prompt_versions: sorted names, without ''.
SELECT
    service,
    sum(calls) AS n_calls,
    sum(errors) AS n_errors,
    min(minute) AS first_minute,
    max(minute) AS last_minute,
    arrayFilter(name -> name != '', arraySort(groupUniqArray(200)(environment))) AS environments,
    arrayFilter(name -> name != '', arraySort(groupUniqArray(200)(provider))) AS providers,
    arrayFilter(name -> name != '', arraySort(groupUniqArray(200)(model))) AS models,
    arrayFilter(name -> name != '', arraySort(groupUniqArray(200)(prompt_version))) AS prompt_versions
FROM rollup_1m FINAL
WHERE project = {project:String}
  AND minute >= toDateTime({from_s:Int64}, 'UTC')
  AND minute < toDateTime({to_s:Int64}, 'UTC')
  AND calls > 0
GROUP BY service
ORDER BY n_calls DESC, service
