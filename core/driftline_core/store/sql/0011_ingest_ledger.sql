-- What became of every request that was acknowledged: one row each, by the minute of its receipt (UTC). Read with FINAL.
-- frame: the frame's own checksum, so that an INSERT repeated, whole or in parts, changes nothing; of damaged bytes a hash of their name.
-- outcome: stored; dead_lettered; retried (a dead letter sent in again, which makes it another request). The newest row decides.
-- n_acknowledged: items as the door counted them and the frame carried them; n_stored: items as the engine counted them while decoding.
CREATE TABLE IF NOT EXISTS ingest_ledger
(
    project LowCardinality(String),
    signal LowCardinality(String),
    minute DateTime('UTC') CODEC(Delta, ZSTD(1)),
    frame UInt64 CODEC(ZSTD(1)),
    outcome LowCardinality(String) CODEC(ZSTD(1)),
    reason LowCardinality(String) CODEC(ZSTD(1)),
    n_acknowledged UInt64 CODEC(T64, ZSTD(1)),
    n_stored UInt64 CODEC(T64, ZSTD(1)),
    written_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC') CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(written_at)
PARTITION BY toMonday(minute)
ORDER BY (project, signal, minute, frame)
TTL minute + INTERVAL 90 DAY
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;

-- What the collectors counted: totals that grow, written anew every few seconds, the newest of a source and minute holds. Read with FINAL.
-- outcome: kept (accepted and durable in the spool), rejected (by reason), duplicate: source is a process; waiting (in the spool at the
-- time of writing): source is a spool. A process that is killed takes the counts of its last seconds with it: what it refused then was
-- never acknowledged, and what it kept then is found in the spool again.
CREATE TABLE IF NOT EXISTS ingest_counts
(
    project LowCardinality(String),
    signal LowCardinality(String),
    minute DateTime('UTC') CODEC(Delta, ZSTD(1)),
    outcome LowCardinality(String),
    reason LowCardinality(String),
    source String CODEC(ZSTD(1)),
    requests UInt64 CODEC(ZSTD(1)),
    items UInt64 CODEC(ZSTD(1)),
    version UInt64 CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toMonday(minute)
ORDER BY (project, signal, minute, outcome, reason, source)
TTL minute + INTERVAL 90 DAY
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;
