-- generations are derived from spans and log records in batches beside the INSERT (docs/decisions/0006), not by a view inside it.
-- The view of earlier databases goes, before the table that it writes to.
-- spans.segment, logs.segment: the INSERT that stored the row, so that what it brought is found again without a clock.
DROP VIEW IF EXISTS generations_view SYNC;

ALTER TABLE spans ADD COLUMN IF NOT EXISTS segment LowCardinality(String) DEFAULT '' CODEC(ZSTD(1));

ALTER TABLE logs ADD COLUMN IF NOT EXISTS segment LowCardinality(String) DEFAULT '' CODEC(ZSTD(1));

-- derived_at is the version: the run that saw more wins. mapping: fingerprint of the dialect table that derived the row.
-- is_usage_estimated: the SDK counted a streamed answer's tokens itself. is_truncated: attributes or JSON were cut off before they came.
-- metadata: labels that the app gave. Everything else as before: see 0002_generations.sql.
-- Rows of earlier databases are not copied: `driftline replay-mapping` derives them from the spans, with everything that is new.
DROP TABLE IF EXISTS generations SYNC;

CREATE TABLE IF NOT EXISTS generations
(
    project LowCardinality(String),
    service LowCardinality(String),
    start_time DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    trace_id FixedString(16) CODEC(ZSTD(1)),
    span_id FixedString(8) CODEC(ZSTD(1)),
    parent_span_id FixedString(8) CODEC(ZSTD(1)),
    name LowCardinality(String) CODEC(ZSTD(1)),
    kind LowCardinality(String) CODEC(ZSTD(1)),
    dialect LowCardinality(String) CODEC(ZSTD(1)),
    scope_name LowCardinality(String) CODEC(ZSTD(1)),
    duration_ms Float64 CODEC(ZSTD(1)),
    environment LowCardinality(String) CODEC(ZSTD(1)),
    release LowCardinality(String) CODEC(ZSTD(1)),
    operation LowCardinality(String) CODEC(ZSTD(1)),
    provider LowCardinality(String) CODEC(ZSTD(1)),
    request_model LowCardinality(String) CODEC(ZSTD(1)),
    response_model LowCardinality(String) CODEC(ZSTD(1)),
    model LowCardinality(String) MATERIALIZED if(request_model != '', request_model, response_model) CODEC(ZSTD(1)),
    response_id String CODEC(ZSTD(1)),
    prompt_name LowCardinality(String) CODEC(ZSTD(1)),
    prompt_version LowCardinality(String) CODEC(ZSTD(1)),
    prompt_template String CODEC(ZSTD(1)),
    prompt_variables String CODEC(ZSTD(1)),
    session_id String CODEC(ZSTD(1)),
    user_id String CODEC(ZSTD(1)),
    agent_name LowCardinality(String) CODEC(ZSTD(1)),
    workflow_name LowCardinality(String) CODEC(ZSTD(1)),
    is_error UInt8 CODEC(ZSTD(1)),
    error_type LowCardinality(String) CODEC(ZSTD(1)),
    error_message String CODEC(ZSTD(1)),
    http_status_code Nullable(UInt16) CODEC(ZSTD(1)),
    finish_reason LowCardinality(String) CODEC(ZSTD(1)),
    temperature Nullable(Float64) CODEC(ZSTD(1)),
    top_p Nullable(Float64) CODEC(ZSTD(1)),
    top_k Nullable(Float64) CODEC(ZSTD(1)),
    frequency_penalty Nullable(Float64) CODEC(ZSTD(1)),
    presence_penalty Nullable(Float64) CODEC(ZSTD(1)),
    max_tokens Nullable(Int64) CODEC(ZSTD(1)),
    seed Nullable(Int64) CODEC(ZSTD(1)),
    stop_sequences String CODEC(ZSTD(1)),
    choice_count Nullable(UInt64) CODEC(ZSTD(1)),
    is_stream Nullable(UInt8) CODEC(ZSTD(1)),
    time_to_first_token_ms Nullable(Float64) CODEC(ZSTD(1)),
    input_tokens Nullable(UInt64) CODEC(ZSTD(1)),
    output_tokens Nullable(UInt64) CODEC(ZSTD(1)),
    cache_read_tokens Nullable(UInt64) CODEC(ZSTD(1)),
    cache_write_tokens Nullable(UInt64) CODEC(ZSTD(1)),
    reasoning_tokens Nullable(UInt64) CODEC(ZSTD(1)),
    input_audio_tokens Nullable(UInt64) CODEC(ZSTD(1)),
    output_audio_tokens Nullable(UInt64) CODEC(ZSTD(1)),
    is_usage_estimated UInt8 CODEC(ZSTD(1)),
    reported_cost_usd Nullable(Float64) CODEC(ZSTD(1)),
    embedding_dimensions Nullable(UInt64) CODEC(ZSTD(1)),
    system_prompt String CODEC(LZ4),
    prompt String CODEC(LZ4),
    completion String CODEC(LZ4),
    input_messages String CODEC(LZ4),
    output_messages String CODEC(LZ4),
    documents Array(Tuple(id String, content String, score Nullable(Float64))) CODEC(ZSTD(1)),
    tool_name LowCardinality(String) CODEC(ZSTD(1)),
    tool_call_id String CODEC(ZSTD(1)),
    tool_arguments String CODEC(ZSTD(1)),
    tool_result String CODEC(ZSTD(1)),
    tool_definitions String CODEC(ZSTD(1)),
    tags Array(String) CODEC(ZSTD(1)),
    metadata Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    is_truncated UInt8 CODEC(ZSTD(1)),
    received_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    derived_at DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    mapping LowCardinality(String) CODEC(ZSTD(1)),
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    INDEX trace_id_bloom trace_id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX stored_at_range stored_at TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(derived_at)
PARTITION BY toMonday(start_time)
ORDER BY (project, service, start_time, trace_id, span_id)
TTL toDateTime(received_at) + INTERVAL 90 DAY
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;

-- What somebody or something thought of a generation: scores of evaluators, feedback of users. time: of the evaluation, UTC.
-- source: log, event or span, the part of the telemetry that said it; response_id: of the answer that is meant, where no span is named.
-- score: NULL when only a label was given. kind: who judged (LLM, CODE, HUMAN), '' when not said.
CREATE TABLE IF NOT EXISTS evaluations
(
    project LowCardinality(String),
    service LowCardinality(String),
    time DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    trace_id FixedString(16) CODEC(ZSTD(1)),
    span_id FixedString(8) CODEC(ZSTD(1)),
    name LowCardinality(String) CODEC(ZSTD(1)),
    source LowCardinality(String) CODEC(ZSTD(1)),
    number UInt16 CODEC(ZSTD(1)),
    score Nullable(Float64) CODEC(ZSTD(1)),
    label String CODEC(ZSTD(1)),
    explanation String CODEC(ZSTD(1)),
    kind LowCardinality(String) CODEC(ZSTD(1)),
    response_id String CODEC(ZSTD(1)),
    received_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    derived_at DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    INDEX trace_id_bloom trace_id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(derived_at)
PARTITION BY toMonday(time)
ORDER BY (project, service, time, trace_id, span_id, name, source, number)
TTL toDateTime(received_at) + INTERVAL 90 DAY
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;
