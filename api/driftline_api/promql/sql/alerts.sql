-- 1 for as long as an alert of Driftline's evaluator was pending or firing, as ALERTS of Prometheus, one row a series.
-- parameters: project String; from_ms, to_ms Int64 (Unix ms): times of interest; an alert that has not ended holds to the last of them.
-- columns: the labels; ends_ms, lengths_ms Array(Int64): when the state began and for how long it holds at least, and when it ended (NaN, 0).
SELECT
    alertname,
    alertstate,
    severity,
    service,
    model,
    fingerprint,
    arrayFlatten(groupArray([began_ms, ended_ms])) AS ends_ms,
    arrayFlatten(groupArray([greatest(ended_ms - began_ms, 0), toInt64(0)])) AS lengths_ms,
    arrayFlatten(groupArray([1., nan])) AS values
FROM
(
    SELECT
        toString(s.alertname) AS alertname,
        phase.1 AS alertstate,
        JSONExtractString(s.labels, 'severity') AS severity,
        JSONExtractString(s.labels, 'service') AS service,
        JSONExtractString(s.labels, 'model') AS model,
        s.fingerprint AS fingerprint,
        toInt64(toUnixTimestamp64Milli(assumeNotNull(phase.2))) AS began_ms,
        ifNull(toInt64(toUnixTimestamp64Milli(phase.3)), {to_ms:Int64} + 3600000) AS ended_ms
    FROM alert_state AS s FINAL
    ARRAY JOIN
    [
        ('pending', toNullable(s.active_at), ifNull(s.firing_at, s.resolved_at)),
        ('firing', s.firing_at, s.resolved_at)
    ] AS phase
    WHERE s.project = {project:String}
      AND phase.2 IS NOT NULL
      AND s.active_at <= fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
      AND (s.resolved_at IS NULL OR s.resolved_at >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC'))
    ORDER BY began_ms
)
WHERE ended_ms > began_ms
GROUP BY alertname, alertstate, severity, service, model, fingerprint
