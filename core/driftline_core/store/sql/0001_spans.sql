-- Every span as it came, one row each; the raw attributes stay so that a better mapping can be replayed.
-- Times are UTC, durations nanoseconds. trace_id, span_id: raw bytes (lower(hex(trace_id)) to show them).
-- start_time is the event's own time; when an SDK sends none or an impossible one, it is received_at and is_time_received = 1.
-- A span that arrives twice (an exporter's retry) is one row: read with FINAL where that matters.
-- An INSERT is on disk when it returns (fsync): the collector then forgets its own copy.
-- Retention counts from receipt, so imported history is not deleted as it arrives.
CREATE TABLE IF NOT EXISTS spans
(
    project LowCardinality(String),
    service LowCardinality(String),
    start_time DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    trace_id FixedString(16) CODEC(ZSTD(1)),
    span_id FixedString(8) CODEC(ZSTD(1)),
    parent_span_id FixedString(8) CODEC(ZSTD(1)),
    duration_ns UInt64 CODEC(ZSTD(1)),
    is_time_received UInt8 CODEC(ZSTD(1)),
    name LowCardinality(String) CODEC(ZSTD(1)),
    kind Int8 CODEC(ZSTD(1)),
    status_code Int8 CODEC(ZSTD(1)),
    status_message String CODEC(ZSTD(1)),
    trace_state String CODEC(ZSTD(1)),
    scope_name LowCardinality(String) CODEC(ZSTD(1)),
    scope_version LowCardinality(String) CODEC(ZSTD(1)),
    resource_attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    scope_attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    events Array(Tuple(time_unix_nano UInt64, name String, attributes Map(String, String))) CODEC(ZSTD(1)),
    links Array(Tuple(trace_id String, span_id String, attributes Map(String, String))) CODEC(ZSTD(1)),
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
