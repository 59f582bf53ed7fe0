-- What people say of calls, through the API. kind: feedback (of the app's users) or label (of a reviewer, about an analyzer's field).
-- trace_id, span_id: raw bytes; span_id of zeros: the whole trace is meant. name: feedback's name, or the analyzer that a label is about; field: the
-- analyzer's field, '' for feedback. value: feedback from -1 (bad) to 1 (good), NULL where only a comment was given; of a label 1: it is what the
-- analyzer looks for, 0: it is not. label: a text of the person's choice. annotator: who, '' unknown. source: api, page or cli.
-- picked_by: how a reviewer came to the call: random, flagged, uncertain (orders of the review queue), '' by hand.
-- The newest row of a call, kind, name, field and annotator counts. Calls may come after what is said of them.
CREATE TABLE IF NOT EXISTS human_labels
(
    project LowCardinality(String),
    trace_id FixedString(16),
    span_id FixedString(8),
    kind LowCardinality(String),
    name LowCardinality(String),
    field LowCardinality(String),
    annotator String,
    value Nullable(Float64),
    label String CODEC(ZSTD(1)),
    comment String CODEC(ZSTD(1)),
    source LowCardinality(String),
    picked_by LowCardinality(String),
    is_deleted UInt8,
    created_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(created_at)
ORDER BY (project, trace_id, span_id, kind, name, field, annotator)
TTL toDateTime(created_at) + INTERVAL 3650 DAY
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Everything that people said of one project's calls, each once: human_labels, and feedback that came as OpenTelemetry (`evaluations`: the SDK's
-- log records user_feedback, and annotations of kind HUMAN of other SDKs). Use: FROM judgements(project = {project:String}, traces = {traces:Array(String)},
-- from_ms = 0, to_ms = 4102444800000); traces: ids of 32 hex digits, [] is any; from_ms (inclusive), to_ms (exclusive): when it was said, Unix ms.
-- service: '' where it was said through the API. response_id: of the answer that is meant, where no span is named.
-- value: as in human_labels; of other SDKs' annotations from their label or their score of 0 to 1, else NULL.
CREATE VIEW IF NOT EXISTS judgements AS
SELECT *
FROM
(
    SELECT
        trace_id, span_id, kind, name, field, annotator, value, label, comment, source, picked_by, '' AS service, '' AS response_id, created_at AS time
    FROM human_labels FINAL
    WHERE project = {project:String}
      AND (empty({traces:Array(String)}) OR trace_id IN (SELECT toFixedString(unhex(arrayJoin({traces:Array(String)})), 16)))
      AND created_at >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC')
      AND created_at < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
      AND is_deleted = 0
    UNION ALL
    SELECT
        e.trace_id AS trace_id, e.span_id AS span_id, 'feedback' AS kind, toString(e.name) AS name, '' AS field, '' AS annotator,
        multiIf(
            lower(e.label) IN ('negative', 'thumbs-down', 'thumbs down', 'thumbs_down', 'down', 'bad', 'dislike', '👎'), ifNull(if(score < 0, greatest(score, -1.0), -1.0), -1.0),
            lower(e.label) IN ('positive', 'thumbs-up', 'thumbs up', 'thumbs_up', 'up', 'good', 'like', '👍'), ifNull(if(score > 0, least(score, 1.0), 1.0), 1.0),
            lower(e.label) = 'neutral', 0.0,
            e.name = 'user_feedback' AND score >= -1 AND score <= 1, score,
            e.name != 'user_feedback' AND score >= 0 AND score <= 1, 2 * score - 1,
            NULL) AS value,
        e.label AS label, e.explanation AS comment, 'sdk' AS source, '' AS picked_by, toString(e.service) AS service, e.response_id AS response_id,
        CAST(e.time, 'DateTime64(6, \'UTC\')') AS time
    FROM evaluations AS e FINAL
    WHERE project = {project:String}
      AND (empty({traces:Array(String)}) OR e.trace_id IN (SELECT toFixedString(unhex(arrayJoin({traces:Array(String)})), 16)))
      AND e.time >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC')
      AND e.time < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
      AND (e.name = 'user_feedback' OR upper(e.kind) = 'HUMAN')
)
ORDER BY time DESC, source, comment
LIMIT 1 BY trace_id, span_id, response_id, kind, name, field, annotator;

-- Thresholds that were set from labels: a call is flagged when its value is at least the threshold. version counts up; the newest counts.
-- is_removed: the analyzer's own threshold counts again. rule: precision or false_positive_rate; target: what was asked for; confidence: of the
-- bound; bound: of the rate at this threshold. n_labels: labels the bound rests on. from_time, to_time: of the calls that were labelled (UTC).
CREATE TABLE IF NOT EXISTS analyzer_thresholds
(
    project LowCardinality(String),
    analyzer LowCardinality(String),
    field LowCardinality(String),
    version UInt32,
    threshold Float64,
    is_removed UInt8,
    rule LowCardinality(String),
    target Float64,
    confidence Float64,
    bound Float64,
    n_labels UInt32,
    analyzer_version LowCardinality(String),
    from_time DateTime64(3, 'UTC'),
    to_time DateTime64(3, 'UTC'),
    created_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(created_at)
ORDER BY (project, analyzer, field, version)
TTL toDateTime(created_at) + INTERVAL 3650 DAY
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Feedback by the minute in which it was given, one row a slice, replaced whole when anything in the minute changes (driftline_core.store.feedback_rollup).
-- Read with FINAL; rows of 0 are slices that a correction emptied. sentiment: negative, neutral or positive; what has no score is not counted.
CREATE TABLE IF NOT EXISTS feedback_1m
(
    project LowCardinality(String),
    minute DateTime('UTC') CODEC(Delta, ZSTD(1)),
    service LowCardinality(String),
    model LowCardinality(String),
    sentiment LowCardinality(String),
    feedback UInt64 CODEC(ZSTD(1)),
    updated_at DateTime64(6, 'UTC') CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(updated_at)
PARTITION BY toStartOfMonth(minute)
ORDER BY (project, minute, service, model, sentiment)
TTL toDateTime(updated_at) + INTERVAL 400 DAY;

-- As in 0017_call_scores.sql: what is read here asks for status ok, and finds every score of a database without that column ok.
ALTER TABLE scores ADD COLUMN IF NOT EXISTS status LowCardinality(String) DEFAULT 'ok' AFTER prompt_version;
