-- Where the loader inserts metrics: one row a request, shaped like the envelope (otlp_metrics.proto). Keeps nothing; the views read it.
-- The names after a dollar are generated: $plain_attributes: the type of `repeated KeyValue`; $exemplars: of `repeated Exemplar`.
-- data: named after the oneof, it makes the engine refuse a metric of two types at once, of which the door counts the last alone.
-- received_at: unix nanoseconds. building: makes every insert fail until the views stand, so that none falls between; dropped then.
CREATE TABLE IF NOT EXISTS otlp_metrics
(
    project String,
    received_at UInt64,
    n_items UInt32,
    seal String,
    request Tuple(resource_metrics Array(Tuple(
        resource Tuple(attributes $plain_attributes),
        scope_metrics Array(Tuple(
            scope Tuple(name String, version String, attributes $plain_attributes),
            metrics Array(Tuple(
                name String, description String, unit String,
                data Enum8('none' = 0, 'gauge' = 5, 'sum' = 7, 'histogram' = 9, 'exponential_histogram' = 10, 'summary' = 11),
                gauge Tuple(data_points $number_points),
                sum Tuple(data_points $number_points, aggregation_temporality Int32, is_monotonic Bool),
                histogram Tuple(data_points Array(Tuple(
                    start_time_unix_nano UInt64, time_unix_nano UInt64, count UInt64, sum Nullable(Float64),
                    min Nullable(Float64), max Nullable(Float64), bucket_counts Array(UInt64), explicit_bounds Array(Float64),
                    attributes $plain_attributes, exemplars $exemplars, flags UInt32)), aggregation_temporality Int32),
                exponential_histogram Tuple(data_points Array(Tuple(
                    start_time_unix_nano UInt64, time_unix_nano UInt64, count UInt64, sum Nullable(Float64),
                    min Nullable(Float64), max Nullable(Float64), scale Int32, zero_count UInt64, zero_threshold Float64,
                    positive Tuple(offset Int32, bucket_counts Array(UInt64)), negative Tuple(offset Int32, bucket_counts Array(UInt64)),
                    attributes $plain_attributes, exemplars $exemplars, flags UInt32)), aggregation_temporality Int32),
                summary Tuple(data_points Array(Tuple(
                    start_time_unix_nano UInt64, time_unix_nano UInt64, count UInt64, sum Float64,
                    quantile_values Array(Tuple(quantile Float64, value Float64)),
                    attributes $plain_attributes, flags UInt32)))))))))),
    building UInt8 DEFAULT throwIf(length(project) >= 0, 'the views of otlp_metrics are being built, retry')
)
ENGINE = Null
COMMENT '$fingerprint'
