-- otlp_traces -> spans: one row a span, whatever odd it carries. Nothing here may fail a block: one bad span would hold up all others.
-- The names after a dollar are generated: SQL that turns `repeated KeyValue` into Map(String, String).
-- (span).name, not span.name: the engine looks the latter up among all subcolumns, milliseconds each time, in every INSERT's planning.
-- arrayJoin() in nested subqueries replicates only what is named; the ARRAY JOIN clause would replicate the outer arrays too.
-- Times: unix nanoseconds until the last step. An id of another length is cut or filled with zeros on the right.
-- A start outside (received_at - 20 years, received_at + 1 day) is no start: received_at takes its place and the duration is 0;
-- so it is when the end is before the start or later than received_at + 1 day.
-- kind and status_code are clamped to what Int8 holds.
SELECT
    project,
    if(resource_attributes['service.name'] = '', 'unknown_service', resource_attributes['service.name']) AS service,
    fromUnixTimestamp64Nano(toInt64(if(is_time_received, received_ns, (span).start_time_unix_nano)), 'UTC') AS start_time,
    toFixedString(substring((span).trace_id, 1, 16), 16) AS trace_id,
    toFixedString(substring((span).span_id, 1, 8), 8) AS span_id,
    toFixedString(substring((span).parent_span_id, 1, 8), 8) AS parent_span_id,
    if(is_time_received = 0 AND (span).end_time_unix_nano > (span).start_time_unix_nano
           AND (span).end_time_unix_nano < received_ns + 86400000000000,
       (span).end_time_unix_nano - (span).start_time_unix_nano, 0) AS duration_ns,
    toUInt8(NOT ((span).start_time_unix_nano > received_ns - 631152000000000000
           AND (span).start_time_unix_nano < received_ns + 86400000000000)) AS is_time_received,
    (span).name AS name,
    toInt8(greatest(-1, least(127, (span).kind))) AS kind,
    toInt8(greatest(-1, least(127, (span).status.code))) AS status_code,
    (span).status.message AS status_message,
    (span).trace_state AS trace_state,
    scope_name,
    scope_version,
    resource_attributes,
    scope_attributes,
    $item_attributes AS attributes,
    arrayMap(e -> ((e).time_unix_nano, (e).name, $event_attributes), (span).events)
        ::Array(Tuple(time_unix_nano UInt64, name String, attributes Map(String, String))) AS events,
    arrayMap(l -> (lower(hex((l).trace_id)), lower(hex((l).span_id)), $link_attributes), (span).links)
        ::Array(Tuple(trace_id String, span_id String, attributes Map(String, String))) AS links,
    (span).dropped_attributes_count AS dropped_attributes_count,
    (span).dropped_events_count AS dropped_events_count,
    (span).dropped_links_count AS dropped_links_count,
    (span).flags AS flags,
    fromUnixTimestamp64Milli(toInt64(intDiv(received_ns, 1000000)), 'UTC') AS received_at
FROM
(
    SELECT
        project, received_ns, resource_attributes,
        (scope_spans).scope.name AS scope_name,
        (scope_spans).scope.version AS scope_version,
        $scope_attributes AS scope_attributes,
        arrayJoin((scope_spans).spans) AS span
    FROM
    (
        SELECT
            project, received_ns,
            $resource_attributes AS resource_attributes,
            arrayJoin((resource_spans).scope_spans) AS scope_spans
        FROM
        (
            SELECT
                project,
                -- An impossible time of receipt would make every span's time impossible.
                least(received_at, 9000000000000000000) AS received_ns,
                arrayJoin((request).resource_spans) AS resource_spans
            FROM otlp_traces
        )
    )
)
