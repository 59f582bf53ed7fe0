-- Alerts as the evaluator last wrote them, firing first, then the newest.
-- resolved_since_ms: resolved ones are shown from this time on, Unix ms. max_rows.
-- Columns: as in the table alert_state; times UTC. Alerts belong to the installation, not to a project.
SELECT alertname, state, labels, annotations, value, active_at, firing_at, resolved_at, last_eval
FROM alert_state FINAL
WHERE state IN ('firing', 'pending')
   OR (state = 'resolved' AND resolved_at >= fromUnixTimestamp64Milli({resolved_since_ms:Int64}, 'UTC'))
ORDER BY indexOf(['firing', 'pending', 'resolved'], state), active_at DESC, fingerprint
LIMIT {max_rows:UInt32}
