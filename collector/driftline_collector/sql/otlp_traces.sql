-- Where the loader inserts: one row a request, shaped like the envelope (otlp_traces.proto). Keeps nothing; the views read it.
-- The names after a dollar are generated: $item_attributes, $plain_attributes: types of `repeated KeyValue`.
-- received_at: unix nanoseconds. building: makes every insert fail until the views stand, so that none falls between; dropped then.
CREATE TABLE IF NOT EXISTS otlp_traces
(
    project String,
    received_at UInt64,
    n_items UInt32,
    seal String,
    request Tuple(resource_spans Array(Tuple(
        resource Tuple(attributes $plain_attributes),
        scope_spans Array(Tuple(
            scope Tuple(name String, version String, attributes $plain_attributes),
            spans Array(Tuple(
                trace_id String, span_id String, trace_state String, parent_span_id String, name String, kind Int32,
                start_time_unix_nano UInt64, end_time_unix_nano UInt64,
                attributes $item_attributes,
                events Array(Tuple(time_unix_nano UInt64, name String, attributes $plain_attributes)),
                links Array(Tuple(trace_id String, span_id String, attributes $plain_attributes)),
                dropped_attributes_count UInt32, dropped_events_count UInt32, dropped_links_count UInt32, flags UInt32,
                status Tuple(message String, code Int32)))))))),
    building UInt8 DEFAULT throwIf(length(project) >= 0, 'the views of otlp_traces are being built, retry')
)
ENGINE = Null
COMMENT '$fingerprint'
