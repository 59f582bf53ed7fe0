-- otlp_metrics -> metric_points: one row a data point, whatever odd it carries. Nothing here may fail a block.
-- The names after a dollar are generated: SQL that turns `repeated KeyValue` into Map(String, String), and exemplars; $points: every data point of the
-- metric in one form, whatever its type (driftline_collector.points): type, temporality, is_monotonic, attributes, start_ns, own_ns,
-- value, count, sum, min, max, bucket_counts, explicit_bounds, scale, zero_count, zero_threshold, positive_offset, positive_counts,
-- negative_offset, negative_counts, quantiles, exemplars, flags.
-- A time outside (received_at - 20 years, received_at + 1 day) is none: received_at takes its place; a start outside it is 1970.
-- attributes_hash tells series apart: type, unit, scope and the resource's attributes are part of it, in whatever order they came.
SELECT
    project,
    if(resource_attributes['service.name'] = '', 'unknown_service', resource_attributes['service.name']) AS service,
    name, description, unit,
    point.1 AS type,
    point.2 AS temporality,
    point.3 AS is_monotonic,
    $point_attributes AS attributes,
    cityHash64(type, unit, scope_name, arraySort(arrayZip(mapKeys(attributes), mapValues(attributes))),
        arraySort(arrayZip(mapKeys(resource_attributes), mapValues(resource_attributes)))) AS attributes_hash,
    fromUnixTimestamp64Nano(toInt64(if(point.5 > received_ns - 631152000000000000 AND point.5 < received_ns + 86400000000000,
        point.5, 0)), 'UTC') AS start_time,
    fromUnixTimestamp64Nano(toInt64(if(is_own, point.6, received_ns)), 'UTC') AS time,
    toUInt8(NOT is_own) AS is_time_received,
    point.7 AS value,
    point.8 AS count,
    point.9 AS sum,
    point.10 AS min,
    point.11 AS max,
    point.12 AS bucket_counts,
    point.13 AS explicit_bounds,
    point.14 AS scale,
    point.15 AS zero_count,
    point.16 AS zero_threshold,
    point.17 AS positive_offset,
    point.18 AS positive_counts,
    point.19 AS negative_offset,
    point.20 AS negative_counts,
    point.21 AS quantiles,
    $exemplars AS exemplars,
    point.23 AS flags,
    resource_attributes,
    scope_name,
    scope_version,
    scope_attributes,
    fromUnixTimestamp64Milli(toInt64(intDiv(received_ns, 1000000)), 'UTC') AS received_at
FROM
(
    SELECT
        project, received_ns, resource_attributes, scope_name, scope_version, scope_attributes,
        (metric).name AS name, (metric).description AS description, (metric).unit AS unit,
        arrayJoin($points) AS point,
        point.6 > received_ns - 631152000000000000 AND point.6 < received_ns + 86400000000000 AS is_own
    FROM
    (
        SELECT
            project, received_ns, resource_attributes,
            (scope_metrics).scope.name AS scope_name,
            (scope_metrics).scope.version AS scope_version,
            $scope_attributes AS scope_attributes,
            arrayJoin((scope_metrics).metrics) AS metric
        FROM
        (
            SELECT
                project, received_ns,
                $resource_attributes AS resource_attributes,
                arrayJoin((resource_metrics).scope_metrics) AS scope_metrics
            FROM
            (
                SELECT
                    project,
                    -- An impossible time of receipt would make every point's time impossible.
                    least(received_at, 9000000000000000000) AS received_ns,
                    arrayJoin((request).resource_metrics) AS resource_metrics
                FROM otlp_metrics
            )
        )
    )
)
