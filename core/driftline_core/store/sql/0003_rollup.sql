-- One row a minute and slice, replaced whole when anything in the minute changes (driftline_core.store.rollup), so that a span that comes
-- late or twice leaves the same numbers. Read with FINAL; rows with calls = 0 and every count 0 are slices that a correction emptied.
-- Counts are of LLM calls and embeddings (view llm_calls). duration_buckets: cumulative counts per upper bound in driftline_core.store.rollup.BUCKETS_MS.
CREATE TABLE IF NOT EXISTS rollup_1m
(
    project LowCardinality(String),
    minute DateTime('UTC') CODEC(Delta, ZSTD(1)),
    service LowCardinality(String),
    environment LowCardinality(String),
    provider LowCardinality(String),
    model LowCardinality(String),
    kind LowCardinality(String),
    prompt_version LowCardinality(String),
    calls UInt64 CODEC(ZSTD(1)),
    errors UInt64 CODEC(ZSTD(1)),
    input_tokens UInt64 CODEC(ZSTD(1)),
    output_tokens UInt64 CODEC(ZSTD(1)),
    cache_read_tokens UInt64 CODEC(ZSTD(1)),
    cache_write_tokens UInt64 CODEC(ZSTD(1)),
    reasoning_tokens UInt64 CODEC(ZSTD(1)),
    calls_without_tokens UInt64 CODEC(ZSTD(1)),
    duration_sum_ms Float64 CODEC(ZSTD(1)),
    duration_buckets Array(UInt64) CODEC(ZSTD(1)),
    duration_quantiles AggregateFunction(quantilesTDigest(0.5, 0.9, 0.95, 0.99), Float64) CODEC(ZSTD(1)),
    updated_at DateTime64(3, 'UTC') CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(updated_at)
PARTITION BY toStartOfMonth(minute)
ORDER BY (project, minute, service, environment, provider, model, kind, prompt_version)
TTL toDateTime(updated_at) + INTERVAL 400 DAY;
