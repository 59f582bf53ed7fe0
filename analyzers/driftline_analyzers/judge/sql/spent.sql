-- Spent or reserved on a day. day: Date (UTC).
-- Returns one row: requests, input_tokens, output_tokens (counts), usd.
SELECT
    sum(requests) AS requests,
    sum(input_tokens) AS input_tokens,
    sum(output_tokens) AS output_tokens,
    sum(usd) AS usd
FROM judge_spending FINAL
WHERE day = {day:Date}
