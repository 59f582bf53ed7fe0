-- Verdicts that were given before. keys: SHA-256 in lower hex.
-- Returns key (lower hex), score (NULL when unknown says why), reason, unknown; a question never asked gives no row.
SELECT
    lower(hex(judge_verdicts.key)) AS key,
    tupleElement(newest, 1) AS score,
    tupleElement(newest, 2) AS reason,
    tupleElement(newest, 3) AS unknown
FROM
(
    SELECT judge_verdicts.key, argMax(tuple(score, reason, toString(unknown)), judged_at) AS newest
    FROM judge_verdicts
    WHERE judge_verdicts.key IN (SELECT toFixedString(unhex(arrayJoin({keys:Array(String)})), 32))
    GROUP BY judge_verdicts.key
) AS judge_verdicts
