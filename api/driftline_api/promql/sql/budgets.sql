-- One figure of each budget at every five minutes. One row a series.
-- parameters: project String; from_ms, to_ms Int64 (Unix ms): moments whose value may hold at some time from_ms..to_ms;
-- value String: limit_usd, spent_usd or forecast_usd.
-- columns: the labels, service '(all)' for the whole project's; ends_ms, lengths_ms Array(Int64): moments, ascending, and what lies between
-- two; values Array(Float64).
SELECT
    period,
    if(budget_points.service = '', '(all)', budget_points.service) AS service,
    groupArray(end_ms) AS ends_ms,
    groupArray(toInt64(300000)) AS lengths_ms,
    groupArray(figure) AS values
FROM
(
    SELECT
        period,
        service,
        toInt64(toUnixTimestamp(at)) * 1000 AS end_ms,
        multiIf({value:String} = 'limit_usd', limit_usd, {value:String} = 'spent_usd', spent_usd, forecast_usd) AS figure
    FROM budget_points FINAL
    WHERE project = {project:String}
      AND at <= toDateTime(intDiv({to_ms:Int64}, 1000), 'UTC')
      AND at >= toDateTime(intDiv(greatest({from_ms:Int64} - 4 * 3600000, 0), 1000), 'UTC')
    ORDER BY end_ms
) AS budget_points
GROUP BY period, budget_points.service
