-- What a direct receiver (webhook, PagerDuty, Slack, mail) is owed: written before it is sent. It counts as taken once alert_deliveries holds the same
-- receiver, alert and episode with a sent_at not before written_at; what has no such row at start is sent again, under the same delivery_id.
-- receiver: a hash, never an address. active_at: which episode of the alert. delivery_id: shared by the alerts of one request.
-- notification: JSON, with the alert's examples; so rows are kept for a week alone, long after anybody would want the page.
CREATE TABLE IF NOT EXISTS alert_outbox
(
    receiver String,
    rule_uid String,
    fingerprint String,
    active_at DateTime64(3, 'UTC'),
    status LowCardinality(String),
    delivery_id String,
    written_at DateTime64(3, 'UTC'),
    notification String CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(written_at)
ORDER BY (receiver, rule_uid, fingerprint, active_at)
TTL toDateTime(written_at) + INTERVAL 7 DAY
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- status '' is new there: nothing was taken, and what was owed until sent_at was refused.
ALTER TABLE alert_deliveries
    MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1;
