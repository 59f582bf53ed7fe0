-- Counts the feedback of minutes of one project anew, whole. Parameters: project; from_ms, to_ms: range that holds the minutes, Unix ms; minutes:
-- unix seconds of each minute's start; updated_at: the version of the new rows.
-- Service and model are those of the call, of a trace as a whole those of its last LLM call; '' where the call is not there (yet), then the service
-- is that of the app that sent the feedback. Calls are looked for up to 30 days before. A slice that has no feedback any more gets a 0.
INSERT INTO feedback_1m (project, minute, service, model, sentiment, feedback, updated_at)
WITH
said AS
(
    SELECT
        toStartOfMinute(time) AS minute, trace_id, span_id, service AS sender,
        multiIf(value < 0, 'negative', value > 0, 'positive', 'neutral') AS sentiment
    FROM judgements(project = {project:String}, traces = [], from_ms = {from_ms:Int64}, to_ms = {to_ms:Int64})
    WHERE kind = 'feedback' AND value IS NOT NULL AND toUnixTimestamp(toStartOfMinute(time)) IN {minutes:Array(UInt32)}
),
calls AS
(
    SELECT trace_id, span_id, toString(service) AS service, toString(model) AS model, kind = 'llm' AS is_llm, start_time
    FROM generations
    WHERE project = {project:String}
      AND start_time >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC') - INTERVAL 30 DAY
      AND trace_id IN (SELECT trace_id FROM said)
),
by_call AS (SELECT trace_id, span_id, any(service) AS call_service, any(model) AS call_model FROM calls GROUP BY trace_id, span_id),
by_trace AS
(
    SELECT trace_id, argMax(service, (is_llm, start_time)) AS trace_service, argMax(model, (is_llm, start_time)) AS trace_model
    FROM calls
    GROUP BY trace_id
)
SELECT {project:String}, minute, service, model, sentiment, sum(n), {updated_at:DateTime64(6, 'UTC')}
FROM
(
    SELECT
        CAST(minute, 'DateTime(\'UTC\')') AS minute,
        multiIf(said.span_id != toFixedString('', 8) AND call_service != '', call_service, said.span_id = toFixedString('', 8) AND trace_service != '', trace_service,
                sender) AS service,
        if(said.span_id != toFixedString('', 8), call_model, trace_model) AS model,
        sentiment, toUInt64(1) AS n
    FROM said
    LEFT JOIN by_call ON by_call.trace_id = said.trace_id AND by_call.span_id = said.span_id
    LEFT JOIN by_trace ON by_trace.trace_id = said.trace_id
    UNION ALL
    SELECT minute, toString(service), toString(model), toString(sentiment), toUInt64(0)
    FROM feedback_1m
    WHERE project = {project:String} AND toUnixTimestamp(minute) IN {minutes:Array(UInt32)}
)
GROUP BY minute, service, model, sentiment
