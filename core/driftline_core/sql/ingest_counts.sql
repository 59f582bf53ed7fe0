-- What the collectors counted at the door and what waits in their spools, by minute of receipt.
-- parameters: project String ('' is what could be assigned to none); signal String ('' is every one); from_s, to_s Int64 (unix seconds;
-- minutes from_s <= minute < to_s).
-- columns: signal, minute_s; kept, duplicate, waiting: items; rejected: [(reason, items, requests)].
SELECT
    signal,
    toInt64(toUnixTimestamp(minute)) AS minute_s,
    sumIf(n_items, outcome = 'kept') AS kept,
    sumIf(n_items, outcome = 'duplicate') AS duplicate,
    sumIf(n_items, outcome = 'waiting') AS waiting,
    arraySort(groupArrayIf((reason, n_items, n_requests), outcome = 'rejected')) AS rejected
FROM
(
    SELECT signal, minute, outcome, reason, sum(items) AS n_items, sum(requests) AS n_requests
    FROM ingest_counts FINAL
    WHERE project = {project:String} AND ({signal:String} = '' OR signal = {signal:String})
      AND minute >= toDateTime({from_s:Int64}, 'UTC') AND minute < toDateTime({to_s:Int64}, 'UTC')
    GROUP BY signal, minute, outcome, reason
)
GROUP BY signal, minute
