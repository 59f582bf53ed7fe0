-- Traces that got rows since a moment, in the order in which their first such row was stored, and the traces with another call of the same
-- response: each may change what counts as a call, and what a call was given to read.
-- project; since_ms: time of storing, exclusive, Unix ms; max_traces.
-- Returns trace_id_hex (lower hex), first_stored_ms, last_stored_ms (of those rows), n_rows, from_ms, to_ms (their starts), all Unix ms.
WITH touched AS
(
    SELECT trace_id, response_id, stored_at, start_time
    FROM generations
    WHERE project = {project:String}
      AND kind != 'embedding'
      AND stored_at > fromUnixTimestamp64Milli({since_ms:Int64})
)
SELECT
    lower(hex(trace_id)) AS trace_id_hex,
    toUnixTimestamp64Milli(min(stored)) AS first_stored_ms,
    toUnixTimestamp64Milli(max(stored)) AS last_stored_ms,
    count() AS n_rows,
    toUnixTimestamp64Milli(min(start_time)) AS from_ms,
    toUnixTimestamp64Milli(max(start_time)) AS to_ms
FROM
(
    SELECT trace_id, stored_at AS stored, start_time FROM touched
    UNION ALL
    SELECT g.trace_id AS trace_id, t.stored AS stored, g.start_time AS start_time
    FROM generations AS g
    INNER JOIN
    (
        SELECT response_id, max(stored_at) AS stored, min(start_time) AS first_start, max(start_time) AS last_start
        FROM touched
        WHERE response_id != ''
        GROUP BY response_id
    ) AS t ON g.response_id = t.response_id
    WHERE g.project = {project:String}
      AND g.kind = 'llm'
      AND g.response_id IN (SELECT response_id FROM touched WHERE response_id != '')
      AND g.start_time >= (SELECT min(start_time) - INTERVAL 1 HOUR FROM touched)
      AND g.start_time <= (SELECT max(start_time) + INTERVAL 1 HOUR FROM touched)
)
GROUP BY trace_id
ORDER BY first_stored_ms, trace_id_hex
LIMIT {max_traces:UInt32}
