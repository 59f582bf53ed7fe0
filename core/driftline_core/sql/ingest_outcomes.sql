-- What became of the requests that were acknowledged, by minute of receipt.
-- parameters: as those of ingest_counts.sql.
-- columns: signal, minute_s; acknowledged: items of the requests that were stored, as the door counted them; stored: the same items as
-- the engine counted them; dead_lettered, retried: items of requests that ended so, as the door counted them.
SELECT
    signal,
    toInt64(toUnixTimestamp(minute)) AS minute_s,
    sumIf(n_acknowledged, outcome = 'stored') AS acknowledged,
    sumIf(n_stored, outcome = 'stored') AS stored,
    sumIf(n_acknowledged, outcome = 'dead_lettered') AS dead_lettered,
    sumIf(n_acknowledged, outcome = 'retried') AS retried
FROM ingest_ledger FINAL
WHERE project = {project:String} AND ({signal:String} = '' OR signal = {signal:String})
  AND minute >= toDateTime({from_s:Int64}, 'UTC') AND minute < toDateTime({to_s:Int64}, 'UTC')
GROUP BY signal, minute
