-- What there is of one service's LLM calls at all: said when a range of them is empty.
-- project. service.
-- Columns: n_generations; first_time, last_time UTC (meaningless when there are none); models in order of name.
SELECT
    count() AS n_generations,
    min(start_time) AS first_time,
    max(start_time) AS last_time,
    arraySort(groupUniqArray(50)(model)) AS models
FROM generations FINAL
WHERE project = {project:String} AND service = {service:String} AND kind = 'llm'
