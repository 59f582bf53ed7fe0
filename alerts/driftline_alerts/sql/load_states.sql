-- The alerts of a project that are pending or firing, and those resolved lately; the newest episode of each is the last row of its key.
-- Parameters: project; since: resolved ones from this time on (UTC). Columns as in alert_state; times UTC, milliseconds.
SELECT rule_uid, fingerprint, state, labels, annotations, value, active_at, firing_at, keep_until, gap_since, resolved_at, last_eval
FROM alert_state FINAL
WHERE project = {project:String}
  AND (rule_uid, fingerprint, active_at) IN
  (
      SELECT rule_uid, fingerprint, max(active_at)
      FROM alert_state
      WHERE project = {project:String}
      GROUP BY rule_uid, fingerprint
  )
  AND (state != 'resolved' OR (firing_at IS NOT NULL AND resolved_at >= {since:DateTime64(3, 'UTC')}))
ORDER BY rule_uid, fingerprint, active_at
