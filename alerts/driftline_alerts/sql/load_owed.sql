-- What one receiver is owed: written and not marked since. Parameters: receiver; since: written from this time on (UTC).
-- Columns: delivery_id, written_at (UTC), notification (JSON). Alerts of one delivery follow each other.
SELECT written.delivery_id AS delivery_id, written.written_at AS written_at, written.notification AS notification
FROM alert_outbox AS written FINAL
LEFT JOIN
(
    SELECT receiver, rule_uid, fingerprint, active_at, sent_at
    FROM alert_deliveries FINAL
    WHERE receiver = {receiver:String}
) AS marked
    ON marked.receiver = written.receiver
    AND marked.rule_uid = written.rule_uid
    AND marked.fingerprint = written.fingerprint
    AND marked.active_at = written.active_at
WHERE written.receiver = {receiver:String}
  AND written.written_at >= {since:DateTime64(3, 'UTC')}
  AND (isNull(marked.sent_at) OR marked.sent_at < written.written_at)
ORDER BY written.written_at, written.delivery_id, written.rule_uid, written.fingerprint
