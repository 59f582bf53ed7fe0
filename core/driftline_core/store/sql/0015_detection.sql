-- Findings by any segment, field and analyzer. One row a window, segment, field, analyzer and reference.
-- segment_by: the column that the service's calls are divided by (model, prompt_version, prompt_name, environment, release, provider, user_id,
-- agent_name, language, metadata.<key>), 'service' for the whole service, '' in rows of a build before this one (by model). segment: its value;
-- also in model when segment_by is 'model', and model is '' otherwise.
ALTER TABLE findings
    ADD COLUMN IF NOT EXISTS segment_by LowCardinality(String) AFTER field,
    ADD COLUMN IF NOT EXISTS segment String AFTER segment_by,
    MODIFY ORDER BY (project, analyzer, service, model, field, window_start, window_end, reference, analyzer_version, segment_by, segment);

-- is_confirmed: drift in two tested windows in a row, or in a far tail: page. is_small: statistically real and practically small.
-- moved_share: estimated total variation distance to the reference, 0 to 1: the share of texts that would have to change; low and high: its
-- interval; NULL where it was not estimated. n_tested: texts that the test used. reference_version: of a named reference, '' for the
-- trailing one. window_texts: texts a window is made of, 0 for a window by time.
ALTER TABLE findings
    ADD COLUMN IF NOT EXISTS is_confirmed UInt8 AFTER effect_size,
    ADD COLUMN IF NOT EXISTS is_small UInt8 AFTER is_confirmed,
    ADD COLUMN IF NOT EXISTS moved_share Nullable(Float64) AFTER is_small,
    ADD COLUMN IF NOT EXISTS moved_share_low Nullable(Float64) AFTER moved_share,
    ADD COLUMN IF NOT EXISTS moved_share_high Nullable(Float64) AFTER moved_share_low,
    ADD COLUMN IF NOT EXISTS n_tested UInt32 AFTER n_effective,
    ADD COLUMN IF NOT EXISTS reference_version String AFTER reference,
    ADD COLUMN IF NOT EXISTS window_texts UInt32 AFTER window_end;

-- Named reference sets. kind: range (a time range), golden (imported texts), version (calls with one value of pinned_by: prompt_version, release
-- or model), previous_release (resolved for each segment: the value of pinned_by before the one in the window); '' in rows of a build before
-- this one: a range that was not frozen. segment_by and segment: whose texts they are, '' for the whole service. version counts up when a name is
-- created again. from_time, to_time: 1970 and 2299 when not limited.
ALTER TABLE reference_sets
    ADD COLUMN IF NOT EXISTS kind LowCardinality(String) AFTER name,
    ADD COLUMN IF NOT EXISTS version UInt32 AFTER kind,
    ADD COLUMN IF NOT EXISTS segment_by LowCardinality(String) AFTER model,
    ADD COLUMN IF NOT EXISTS segment String AFTER segment_by,
    ADD COLUMN IF NOT EXISTS pinned_by LowCardinality(String) AFTER segment,
    ADD COLUMN IF NOT EXISTS pinned_value String AFTER pinned_by;

-- What was frozen, once and for good: one row a version of a set; for previous_release a row each segment and release.
-- version: '3', or '3/<release>' for previous_release. segment_by, segment: as in the set; for previous_release of the segment it was made for.
-- detail: one line for a person. n_calls: LLM calls in it; n_blocks: their sessions.
CREATE TABLE IF NOT EXISTS reference_versions
(
    project LowCardinality(String),
    name String,
    version String,
    segment_by LowCardinality(String),
    segment String,
    service String,
    kind LowCardinality(String),
    detail String,
    n_calls UInt32,
    n_blocks UInt32,
    n_prompts UInt32,
    n_completions UInt32,
    n_retrievals UInt32,
    first_time DateTime64(3, 'UTC'),
    last_time DateTime64(3, 'UTC'),
    created_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(created_at)
ORDER BY (project, name, version, segment_by, segment)
TTL toDateTime(created_at) + INTERVAL 3650 DAY;

-- The texts of a version, copied, so that the retention of generations does not hollow it out. kind: llm or retrieval (its query is the prompt).
-- Columns as in generations; documents: their texts.
CREATE TABLE IF NOT EXISTS reference_texts
(
    project LowCardinality(String),
    name String,
    version String,
    segment_by LowCardinality(String),
    segment String,
    kind LowCardinality(String),
    start_time DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    trace_id FixedString(16) CODEC(ZSTD(1)),
    span_id FixedString(8) CODEC(ZSTD(1)),
    session_id String CODEC(ZSTD(1)),
    model LowCardinality(String),
    prompt_version LowCardinality(String),
    prompt_name LowCardinality(String),
    environment LowCardinality(String),
    release LowCardinality(String),
    provider LowCardinality(String),
    user_id String CODEC(ZSTD(1)),
    agent_name LowCardinality(String),
    metadata Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    input_tokens Nullable(UInt64) CODEC(ZSTD(1)),
    output_tokens Nullable(UInt64) CODEC(ZSTD(1)),
    duration_ms Float64 CODEC(ZSTD(1)),
    time_to_first_token_ms Nullable(Float64) CODEC(ZSTD(1)),
    prompt String CODEC(ZSTD(3)),
    completion String CODEC(ZSTD(3)),
    documents Array(String) CODEC(ZSTD(3)),
    created_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(created_at)
ORDER BY (project, name, version, segment_by, segment, kind, start_time, trace_id, span_id)
TTL toDateTime(created_at) + INTERVAL 3650 DAY;

-- How often a reference's own windows alarm when each is tested against the rest of it. p_values: one a window.
CREATE TABLE IF NOT EXISTS reference_checks
(
    project LowCardinality(String),
    name String,
    version String,
    segment_by LowCardinality(String),
    segment String,
    analyzer LowCardinality(String),
    analyzer_version LowCardinality(String),
    field LowCardinality(String),
    embedding_model String,
    p_values Array(Float64),
    computed_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(computed_at)
ORDER BY (project, name, version, segment_by, segment, analyzer, analyzer_version, field, embedding_model)
TTL toDateTime(computed_at) + INTERVAL 3650 DAY;
