-- gap_since: when an alert's data went away; NULL while they are there. project: whose rules the alert comes from.
ALTER TABLE alert_state ADD COLUMN IF NOT EXISTS gap_since Nullable(DateTime64(3, 'UTC'));
ALTER TABLE alert_state ADD COLUMN IF NOT EXISTS project LowCardinality(String) DEFAULT 'default';

-- What a direct receiver has taken of an alert, so that a restart neither forgets nor repeats it. receiver: a hash, never the URL.
-- active_at: which episode of the alert. status: firing, resolved.
CREATE TABLE IF NOT EXISTS alert_deliveries
(
    receiver String,
    rule_uid String,
    fingerprint String,
    active_at DateTime64(3, 'UTC'),
    status LowCardinality(String),
    sent_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(sent_at)
ORDER BY (receiver, rule_uid, fingerprint, active_at)
TTL toDateTime(sent_at) + INTERVAL 400 DAY;
