-- GenAI operations in one vocabulary whatever SDK sent them; filled from spans by the view that the dialect table generates.
-- kind: llm, embedding, retrieval, reranker, tool, agent, chain, guardrail, evaluator. Tokens and cost are counted on llm and embedding
-- rows that have no llm row above them in the trace (see the view llm_calls): everything above them repeats their sum.
-- Tokens: input_tokens is the total, cached ones included. NULL means not reported, 0 means zero.
-- model: what the app asked for, else what answered. prompt: the last user turn. completion: the answer's text.
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
    session_id String CODEC(ZSTD(1)),
    user_id String CODEC(ZSTD(1)),
    agent_name LowCardinality(String) CODEC(ZSTD(1)),
    is_error UInt8 CODEC(ZSTD(1)),
    error_type LowCardinality(String) CODEC(ZSTD(1)),
    error_message String CODEC(ZSTD(1)),
    finish_reason LowCardinality(String) CODEC(ZSTD(1)),
    temperature Nullable(Float64) CODEC(ZSTD(1)),
    max_tokens Nullable(Int64) CODEC(ZSTD(1)),
    is_stream Nullable(UInt8) CODEC(ZSTD(1)),
    time_to_first_token_ms Nullable(Float64) CODEC(ZSTD(1)),
    input_tokens Nullable(UInt64) CODEC(ZSTD(1)),
    output_tokens Nullable(UInt64) CODEC(ZSTD(1)),
    cache_read_tokens Nullable(UInt64) CODEC(ZSTD(1)),
    cache_write_tokens Nullable(UInt64) CODEC(ZSTD(1)),
    reasoning_tokens Nullable(UInt64) CODEC(ZSTD(1)),
    reported_cost_usd Nullable(Float64) CODEC(ZSTD(1)),
    system_prompt String CODEC(LZ4),
    prompt String CODEC(LZ4),
    completion String CODEC(LZ4),
    -- [{"role", "content", "tool_calls": [{"id", "name", "arguments"}], "tool_call_id"}] as JSON; '' when not captured
    input_messages String CODEC(LZ4),
    output_messages String CODEC(LZ4),
    documents Array(Tuple(id String, content String, score Nullable(Float64))) CODEC(ZSTD(1)),
    tool_name LowCardinality(String) CODEC(ZSTD(1)),
    tool_arguments String CODEC(ZSTD(1)),
    tool_result String CODEC(ZSTD(1)),
    received_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    INDEX trace_id_bloom trace_id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX stored_at_range stored_at TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(received_at)
PARTITION BY toMonday(start_time)
ORDER BY (project, service, start_time, trace_id, span_id)
TTL toDateTime(received_at) + INTERVAL 90 DAY
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;
