-- Scores of single calls by any scorer.
-- status: ok; unknown: the scorer could not say, value is 0 and evidence says why; error: it failed on the call, field is 'call';
-- withdrawn: a later look has no such score any more, or the call turned out to be no call of its own: readers leave it out.
ALTER TABLE scores
    ADD COLUMN IF NOT EXISTS status LowCardinality(String) DEFAULT 'ok' AFTER prompt_version,
    ADD INDEX IF NOT EXISTS trace_id_bloom trace_id TYPE bloom_filter(0.001) GRANULARITY 1;

-- Call scores by the minute of the call, one row a slice, replaced whole when anything in the minute is scored again. Read with FINAL; rows of
-- zeros are slices that a correction emptied. scored: status ok, flagged of them; unknown, failed (status error) beside them.
-- value_sum: of the scored ones.
CREATE TABLE IF NOT EXISTS scores_1m
(
    project LowCardinality(String),
    minute DateTime('UTC') CODEC(Delta, ZSTD(1)),
    analyzer LowCardinality(String),
    field LowCardinality(String),
    service LowCardinality(String),
    model LowCardinality(String),
    scored UInt64 CODEC(ZSTD(1)),
    flagged UInt64 CODEC(ZSTD(1)),
    unknown UInt64 CODEC(ZSTD(1)),
    failed UInt64 CODEC(ZSTD(1)),
    value_sum Float64 CODEC(ZSTD(1)),
    updated_at DateTime64(6, 'UTC') CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(updated_at)
PARTITION BY toStartOfMonth(minute)
ORDER BY (project, analyzer, minute, field, service, model)
TTL toDateTime(updated_at) + INTERVAL 400 DAY;
