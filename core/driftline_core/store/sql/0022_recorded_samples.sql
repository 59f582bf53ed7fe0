-- Results of recording rules, read back by PromQL under their name. labels: JSON, keys sorted, without __name__. is_stale 1: the series
-- had no result at this time, though it had one before; value is 0 then. rule_uid: which rule wrote the sample.
CREATE TABLE IF NOT EXISTS recorded_samples
(
    project LowCardinality(String) DEFAULT 'default',
    name LowCardinality(String),
    labels String CODEC(ZSTD(1)),
    at DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    value Float64 CODEC(Gorilla, ZSTD(1)),
    is_stale UInt8 DEFAULT 0,
    rule_uid LowCardinality(String),
    written_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(written_at)
PARTITION BY toYYYYMM(at)
ORDER BY (project, name, labels, at)
TTL toDateTime(at) + INTERVAL 90 DAY;
