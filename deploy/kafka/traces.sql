-- Kafka -> otlp_traces (engine Null) -> the same views as ever: spans and the ledger.
-- The names after a dollar are filled in by traces_sql.py. One message is one ExportTraceServiceRequest.
-- stream: a message that the engine cannot read does not stop the topic; it lands in kafka_refused with the reason.
CREATE TABLE kafka_otlp_traces
(
    resource_spans $resource_spans
)
ENGINE = Kafka
SETTINGS
    kafka_broker_list = '$brokers',
    kafka_topic_list = '$topic',
    kafka_group_name = '$group',
    kafka_format = 'ProtobufSingle',
    kafka_schema = '',
    kafka_num_consumers = 1,
    kafka_handle_error_mode = 'stream',
    format_schema_source = 'string',
    format_schema = '$schema',
    format_schema_message_name = 'Request',
    input_format_protobuf_oneof_presence = $oneof_presence;

CREATE TABLE kafka_refused
(
    received_at DateTime64(3, 'UTC'),
    topic LowCardinality(String),
    partition UInt64,
    offset UInt64,
    error String,
    message String
)
ENGINE = ReplacingMergeTree
ORDER BY (topic, partition, offset)
TTL toDateTime(received_at) + INTERVAL 90 DAY;

CREATE MATERIALIZED VIEW kafka_refused_view TO kafka_refused AS
SELECT now64(3, 'UTC') AS received_at, _topic AS topic, _partition AS partition, _offset AS offset, _error AS error, _raw_message AS message
FROM kafka_otlp_traces
WHERE _error != '';

-- n_items 0: the ledger takes the engine's count. seal: bytes 9 to 16 become the ledger's key, so a message that comes twice is one row.
CREATE MATERIALIZED VIEW kafka_traces_view TO otlp_traces AS
WITH _headers.value[indexOf(_headers.name, 'x-driftline-project')] AS header
SELECT
    if(header = '', '$project', header) AS project,
    toUInt64(coalesce(toUnixTimestamp64Nano(toDateTime64(_timestamp_ms, 9, 'UTC')), toUnixTimestamp64Nano(now64(9)))) AS received_at,
    toUInt32(0) AS n_items,
    concat(unhex('0000000000000000'), reinterpretAsString(sipHash64(_topic, _partition, _offset))) AS seal,
    tuple(resource_spans)::Tuple(resource_spans $resource_spans) AS request
FROM kafka_otlp_traces
WHERE _error = '';
