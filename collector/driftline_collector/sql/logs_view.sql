-- otlp_logs -> logs: one row a log record, whatever odd it carries. Nothing here may fail a block: one bad record would hold up all others.
-- The names after a dollar are generated: SQL that turns `repeated KeyValue` into Map(String, String) and an AnyValue into text.
-- Written as spans_view.sql is, for the same reasons: (record).flags, arrayJoin() in nested subqueries.
-- time: the event's own, else when it was observed, else received. A time outside (received_at - 20 years, received_at + 1 day) is none.
-- An id of another length is cut or filled with zeros on the right; the collector lets none pass. severity_number is clamped to UInt8.
-- event_name: the field, else the attribute that SDKs sent before there was a field.
SELECT
    project,
    if(resource_attributes['service.name'] = '', 'unknown_service', resource_attributes['service.name']) AS service,
    fromUnixTimestamp64Nano(toInt64(multiIf(is_own, own_ns, is_observed, observed_ns, received_ns)), 'UTC') AS time,
    toUInt8(NOT is_own AND NOT is_observed) AS is_time_received,
    fromUnixTimestamp64Nano(toInt64(if(is_observed, observed_ns, received_ns)), 'UTC') AS observed_time,
    toFixedString(substring((record).trace_id, 1, 16), 16) AS trace_id,
    toFixedString(substring((record).span_id, 1, 8), 8) AS span_id,
    toUInt8(greatest(0, least(255, (record).severity_number))) AS severity_number,
    (record).severity_text AS severity_text,
    multiIf((record).event_name != '', (record).event_name,
            attributes['event.name'] != '', attributes['event.name'], attributes['event_name']) AS event_name,
    body,
    attributes,
    resource_attributes,
    scope_name,
    scope_version,
    scope_attributes,
    (record).flags AS flags,
    (record).dropped_attributes_count AS dropped_attributes_count,
    cityHash64(body, mapKeys(attributes), mapValues(attributes)) AS content_hash,
    fromUnixTimestamp64Milli(toInt64(intDiv(received_ns, 1000000)), 'UTC') AS received_at
FROM
(
    SELECT
        project, received_ns, resource_attributes, scope_name, scope_version, scope_attributes, record,
        (record).time_unix_nano AS own_ns,
        (record).observed_time_unix_nano AS observed_ns,
        own_ns > received_ns - 631152000000000000 AND own_ns < received_ns + 86400000000000 AS is_own,
        observed_ns > received_ns - 631152000000000000 AND observed_ns < received_ns + 86400000000000 AS is_observed,
        $item_body AS body,
        $item_attributes AS attributes
    FROM
    (
        SELECT
            project, received_ns, resource_attributes,
            (scope_logs).scope.name AS scope_name,
            (scope_logs).scope.version AS scope_version,
            $scope_attributes AS scope_attributes,
            arrayJoin((scope_logs).log_records) AS record
        FROM
        (
            SELECT
                project, received_ns,
                $resource_attributes AS resource_attributes,
                arrayJoin((resource_logs).scope_logs) AS scope_logs
            FROM
            (
                SELECT
                    project,
                    -- An impossible time of receipt would make every record's time impossible.
                    least(received_at, 9000000000000000000) AS received_ns,
                    arrayJoin((request).resource_logs) AS resource_logs
                FROM otlp_logs
            )
        )
    )
)
