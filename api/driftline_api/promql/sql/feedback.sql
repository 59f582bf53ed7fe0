-- Feedback of users, one row a series.
-- parameters: project String; from_s, to_s Int64 (Unix seconds): minutes from_s <= minute < to_s one by one, earlier ones summed.
-- columns: the labels; first_s Int64: the first minute of all; base Float64: sum before from_s; minutes Array(Int64) Unix seconds,
-- increments Array(Float64): what was counted in that minute (a minute may come several times).
-- A series for every sentiment of a slice that has feedback, so that a share of negative ones is 0 and not gone without any.
SELECT
    service,
    model,
    sentiment,
    toInt64(min(toUnixTimestamp(minute))) AS first_s,
    sumIf(toFloat64(counted), minute < toDateTime({from_s:Int64}, 'UTC')) AS base,
    groupArrayIf(toInt64(toUnixTimestamp(minute)), minute >= toDateTime({from_s:Int64}, 'UTC')) AS minutes,
    groupArrayIf(toFloat64(counted), minute >= toDateTime({from_s:Int64}, 'UTC')) AS increments
FROM
(
    SELECT
        f.service AS service, f.model AS model, f.minute AS minute, arrayJoin(['negative', 'neutral', 'positive']) AS sentiment,
        if(f.sentiment = sentiment, f.feedback, 0) AS counted
    FROM feedback_1m AS f FINAL
    WHERE project = {project:String}
      AND f.minute < toDateTime({to_s:Int64}, 'UTC')
      AND f.feedback > 0
)
GROUP BY service, model, sentiment
