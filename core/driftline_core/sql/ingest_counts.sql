-- What the collectors counted at the door and what waits in their spools, by minute of receipt.
-- parameters: project String ('' is what could be assigned to none); signal String ('' is every one); from_s, to_s Int64 (unix seconds;
-- minutes from_s <= minute < to_s).
-- columns: signal, minute_s; kept, duplicate, waiting: items; rejected: [(reason, items, requests)].
SELECT
    signal,
    toInt64(toUnixTimestamp(minute)) AS minute_s,
    sumIf(items, outcome = 'kept') AS kept,
    sumIf(items, outcome = 'duplicate') AS duplicate,
    sumIf(items, outcome = 'waiting') AS waiting,
    sumMapIf([reason], [items], outcome = 'rejected') AS items_by_reason,
    sumMapIf([reason], [requests], outcome = 'rejected') AS requests_by_reason,
    arrayZip(items_by_reason.1, items_by_reason.2, requests_by_reason.2) AS rejected
FROM ingest_counts FINAL
WHERE project = {project:String} AND ({signal:String} = '' OR signal = {signal:String})
  AND minute >= toDateTime({from_s:Int64}, 'UTC') AND minute < toDateTime({to_s:Int64}, 'UTC')
GROUP BY signal, minute
