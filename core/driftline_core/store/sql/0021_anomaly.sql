-- What a figure of a service and model was in each bucket of event time, and what it should have been. Written by the anomaly analyzer;
-- running it again replaces rows. measure: requests, tokens, cost (USD), latency_p95 (milliseconds), error_share (0 to 1); amounts are of the
-- whole bucket. value: NULL where too few calls make none. expected, lower, upper: in the value's unit; scale: in transformed units; zscore: how
-- many scales the value is from expected, robust. All NULL while there is too little history.
CREATE TABLE IF NOT EXISTS anomaly_points
(
    project LowCardinality(String),
    measure LowCardinality(String),
    service LowCardinality(String),
    model LowCardinality(String),
    bucket_start DateTime('UTC') CODEC(Delta, ZSTD(1)),
    bucket_s UInt32,
    calls UInt64 CODEC(ZSTD(1)),
    value Nullable(Float64) CODEC(ZSTD(1)),
    expected Nullable(Float64) CODEC(ZSTD(1)),
    lower Nullable(Float64) CODEC(ZSTD(1)),
    upper Nullable(Float64) CODEC(ZSTD(1)),
    scale Nullable(Float64) CODEC(ZSTD(1)),
    zscore Nullable(Float64) CODEC(ZSTD(1)),
    version LowCardinality(String),
    computed_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(computed_at)
PARTITION BY toStartOfMonth(bucket_start)
ORDER BY (project, measure, service, model, bucket_s, bucket_start)
TTL toDateTime(computed_at) + INTERVAL 400 DAY;

-- What was spent of a budget by a moment, and what it will be at the period's end. period: day or month, UTC. service: '' for the whole project.
CREATE TABLE IF NOT EXISTS budget_points
(
    project LowCardinality(String),
    period LowCardinality(String),
    service LowCardinality(String),
    at DateTime('UTC') CODEC(Delta, ZSTD(1)),
    period_start DateTime('UTC') CODEC(ZSTD(1)),
    limit_usd Float64 CODEC(ZSTD(1)),
    spent_usd Float64 CODEC(ZSTD(1)),
    forecast_usd Float64 CODEC(ZSTD(1)),
    computed_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(computed_at)
PARTITION BY toStartOfMonth(at)
ORDER BY (project, period, service, at)
TTL toDateTime(computed_at) + INTERVAL 400 DAY;
