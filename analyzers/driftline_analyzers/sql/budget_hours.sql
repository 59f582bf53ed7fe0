-- Cost of each hour, of one service or all.
-- parameters: project String; from_s, to_s Int64 (Unix seconds): minutes from_s <= minute < to_s; service String, '' for all.
-- columns: hour Int64 (hours since the epoch); usd Float64.
SELECT
    intDiv(toInt64(toUnixTimestamp(minute)), 3600) AS hour,
    sum(cost_usd) AS usd
FROM
(
-- include cost
)
WHERE {service:String} = '' OR service = {service:String}
GROUP BY hour
