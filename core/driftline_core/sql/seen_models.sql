-- Every provider and model that was called, with what is known of its prices.
-- parameters: since_s Int64 (Unix seconds: only what was stored or recomputed since).
-- columns: provider, model String.
SELECT provider, model
FROM
(
    SELECT provider, model
    FROM rollup_1m
    WHERE updated_at >= toDateTime({since_s:Int64}, 'UTC') AND calls > 0
    UNION ALL
    SELECT provider, model
    FROM generations
    WHERE stored_at >= toDateTime({since_s:Int64}, 'UTC') AND kind IN ('llm', 'embedding')
)
WHERE model != ''
GROUP BY provider, model
ORDER BY provider, model
