-- The state of every alert the evaluator knows, newest row wins. state: pending, firing, resolved. labels, annotations: JSON.
-- project: whose rules the alert comes from. gap_since: when its data went away; NULL while they are there.
CREATE TABLE IF NOT EXISTS alert_state
(
    project LowCardinality(String) DEFAULT 'default',
    rule_uid String,
    fingerprint String,
    alertname LowCardinality(String),
    state LowCardinality(String),
    labels String,
    annotations String,
    value Float64,
    active_at DateTime64(3, 'UTC'),
    firing_at Nullable(DateTime64(3, 'UTC')),
    keep_until Nullable(DateTime64(3, 'UTC')),
    resolved_at Nullable(DateTime64(3, 'UTC')),
    gap_since Nullable(DateTime64(3, 'UTC')),
    last_eval DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(last_eval)
ORDER BY (rule_uid, fingerprint, active_at)
TTL toDateTime(last_eval) + INTERVAL 400 DAY;

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
