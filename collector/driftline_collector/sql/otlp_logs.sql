-- Where the loader inserts logs: one row a request, shaped like the envelope (otlp_logs.proto). Keeps nothing; the views read it.
-- The names after a dollar are generated: $item_attributes, $plain_attributes: types of `repeated KeyValue`; $item_value: of one AnyValue.
-- received_at: unix nanoseconds. building: makes every insert fail until the views stand, so that none falls between; dropped then.
CREATE TABLE IF NOT EXISTS otlp_logs
(
    project String,
    received_at UInt64,
    n_items UInt32,
    seal String,
    request Tuple(resource_logs Array(Tuple(
        resource Tuple(attributes $plain_attributes),
        scope_logs Array(Tuple(
            scope Tuple(name String, version String, attributes $plain_attributes),
            log_records Array(Tuple(
                time_unix_nano UInt64, observed_time_unix_nano UInt64, severity_number Int32, severity_text String, event_name String,
                body $item_value,
                attributes $item_attributes,
                dropped_attributes_count UInt32, flags UInt32, trace_id String, span_id String))))))),
    building UInt8 DEFAULT throwIf(length(project) >= 0, 'the views of otlp_logs are being built, retry')
)
ENGINE = Null
COMMENT '$fingerprint'
