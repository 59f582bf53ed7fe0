-- otlp_<signal> -> ingest_ledger: one row a request that the engine decoded.
-- The names after a dollar are generated: $signal, $table, and $n_decoded, SQL that counts a request's items.
-- n_acknowledged: what the door counted, carried in the frame; n_stored: what the engine counted. They are independent of each other.
-- A frame of a version that did not carry the count (0; empty requests are never kept) is taken at the engine's word.
-- frame: the frame's checksum out of its seal (driftline_collector.envelope): the same frame, however often it is inserted and in
-- whatever company, is the same row.
SELECT
    project,
    '$signal' AS signal,
    toStartOfMinute(fromUnixTimestamp64Nano(toInt64(least(received_at, 9000000000000000000)), 'UTC')) AS minute,
    reinterpretAsUInt64(substring(seal, 9, 8)) AS frame,
    'stored' AS outcome,
    toUInt64($n_decoded) AS n_stored,
    if(n_items = 0, n_stored, n_items) AS n_acknowledged
FROM $table
