-- Call scores counted, one row a series of every slice that an analyzer looked at.
-- parameters: project String; from_s, to_s Int64 (Unix seconds): minutes from_s <= minute < to_s one by one, earlier ones summed; since_s Int64: none before it;
-- value String: scored, flagged or unknown (with those that the analyzer failed on).
-- columns: the labels; first_s Int64: the first minute of all; base Float64: sum before from_s; minutes Array(Int64) Unix seconds,
-- increments Array(Float64): what was counted in that minute (a minute may come several times).
SELECT
    service,
    model,
    analyzer,
    field,
    toInt64(min(toUnixTimestamp(minute))) AS first_s,
    sumIf(counted, minute < toDateTime({from_s:Int64}, 'UTC')) AS base,
    groupArrayIf(toInt64(toUnixTimestamp(minute)), minute >= toDateTime({from_s:Int64}, 'UTC')) AS minutes,
    groupArrayIf(counted, minute >= toDateTime({from_s:Int64}, 'UTC')) AS increments
FROM
(
    SELECT
        service, model, analyzer, field, minute,
        toFloat64(multiIf({value:String} = 'scored', scored, {value:String} = 'flagged', flagged, unknown + failed)) AS counted
    FROM scores_1m FINAL
    WHERE project = {project:String}
      AND minute >= toDateTime({since_s:Int64}, 'UTC')
      AND minute < toDateTime({to_s:Int64}, 'UTC')
      AND scored + unknown + failed > 0
)
GROUP BY service, model, analyzer, field
