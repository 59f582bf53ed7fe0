-- What analyzers read and write. embedding: float32, unit length unless the model says otherwise. text_hash: xxh3-128 of the UTF-8 text.
CREATE TABLE IF NOT EXISTS embeddings
(
    model LowCardinality(String),
    text_hash FixedString(16),
    embedding Array(Float32) CODEC(NONE),
    created_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(created_at)
ORDER BY (model, text_hash)
TTL toDateTime(created_at) + INTERVAL 180 DAY;

-- One row a generation, analyzer and field. value: the analyzer's score; p_value: conformal p-value against the reference, NULL if none.
-- evidence: JSON. Re-running an analyzer's version replaces its rows.
CREATE TABLE IF NOT EXISTS scores
(
    project LowCardinality(String),
    analyzer LowCardinality(String),
    analyzer_version LowCardinality(String),
    field LowCardinality(String),
    start_time DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    trace_id FixedString(16) CODEC(ZSTD(1)),
    span_id FixedString(8) CODEC(ZSTD(1)),
    service LowCardinality(String),
    model LowCardinality(String),
    prompt_version LowCardinality(String),
    value Float64,
    p_value Nullable(Float64),
    is_flagged UInt8,
    evidence String CODEC(ZSTD(1)),
    computed_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(computed_at)
PARTITION BY toMonday(start_time)
ORDER BY (project, analyzer, field, start_time, trace_id, span_id, analyzer_version)
TTL toDateTime(computed_at) + INTERVAL 180 DAY;

-- One row a window and segment. status: ok, drift, insufficient (too few samples: says nothing either way), error.
-- A segment is service x model x field; prompt_version is the newest in the window, for display.
-- n_current, n_reference: texts; n_effective: sessions or other exchangeable blocks. effect_size: statistic in units of its null spread (z).
-- explanation: JSON {"examples": [{"text", "trace_id", "span_id", "novelty"}], "reference_examples": [...], ...}.
CREATE TABLE IF NOT EXISTS findings
(
    finding_id String,
    project LowCardinality(String),
    analyzer LowCardinality(String),
    analyzer_version LowCardinality(String),
    service LowCardinality(String),
    model LowCardinality(String),
    field LowCardinality(String),
    prompt_version LowCardinality(String),
    window_start DateTime64(3, 'UTC'),
    window_end DateTime64(3, 'UTC'),
    reference String,
    status LowCardinality(String),
    statistic Float64,
    p_value Nullable(Float64),
    p_value_corrected Nullable(Float64),
    alpha Float64,
    effect_size Float64,
    n_reference UInt32,
    n_current UInt32,
    n_effective UInt32,
    explanation String CODEC(ZSTD(1)),
    computed_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(computed_at)
PARTITION BY toStartOfMonth(window_start)
ORDER BY (project, analyzer, service, model, field, window_start, window_end, reference, analyzer_version)
TTL toDateTime(computed_at) + INTERVAL 400 DAY;

-- Named reference sets: a frozen time range of one service's traffic. is_deleted hides one.
CREATE TABLE IF NOT EXISTS reference_sets
(
    project LowCardinality(String),
    name String,
    service String,
    model String,
    from_time DateTime64(3, 'UTC'),
    to_time DateTime64(3, 'UTC'),
    description String,
    is_deleted UInt8,
    created_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(created_at)
ORDER BY (project, name)
TTL toDateTime(created_at) + INTERVAL 3650 DAY;

-- Where a job that reads in order of storing has got to. position: stored_at up to which everything was handled.
CREATE TABLE IF NOT EXISTS cursors
(
    name String,
    position DateTime64(3, 'UTC'),
    updated_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(updated_at)
ORDER BY name
TTL toDateTime(updated_at) + INTERVAL 3650 DAY;
