-- The state of every alert the evaluator knows, newest row wins. state: pending, firing, resolved. labels, annotations: JSON.
CREATE TABLE IF NOT EXISTS alert_state
(
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
    last_eval DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(last_eval)
ORDER BY (rule_uid, fingerprint, active_at)
TTL toDateTime(last_eval) + INTERVAL 400 DAY;
