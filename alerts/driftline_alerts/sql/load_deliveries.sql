-- What one receiver has taken. Parameters: receiver; since: sent from this time on (UTC).
-- Columns: rule_uid, fingerprint, active_at (UTC), status (firing, resolved), sent_at (UTC).
SELECT rule_uid, fingerprint, active_at, status, sent_at
FROM alert_deliveries FINAL
WHERE receiver = {receiver:String}
  AND sent_at >= {since:DateTime64(3, 'UTC')}
