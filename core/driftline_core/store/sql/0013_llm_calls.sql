-- LLM calls and embeddings of one project and time range, each once, whatever traced it twice. Replaces the view of 0007. Use:
-- SELECT ... FROM llm_calls(project = {project:String}, from_time = {from_time:DateTime64(3)}, to_time = {to_time:DateTime64(3)})
-- from_time inclusive, to_time exclusive, by start_time. What repeats a call is looked for up to an hour around the range.
-- Left out, llm among llm and embedding among embedding:
-- a row below a row of its kind and trace that has tokens, directly or through one row that is no tool and no agent (an SDK's own span under
-- its instrumentation's); a row without tokens below any such row, or above one with tokens (a wrapper); a row with the response_id of
-- another call that ran at the same time (two instrumentations with a trace each): the one with tokens, then the one with content, then
-- the first, counts; and logfire's span of a streamed request, whose answer and tokens come in a span of their own.
-- session_id, user_id: where a call has none, those of the first span of its trace that has: some SDKs say them on the outer span only.
DROP VIEW IF EXISTS llm_calls;

CREATE VIEW IF NOT EXISTS llm_calls AS
WITH
    llm AS
    (
        SELECT trace_id, span_id, parent_span_id, kind, response_id, start_time, duration_ms,
               input_tokens IS NOT NULL OR output_tokens IS NOT NULL AS has_tokens,
               prompt != '' OR completion != '' AS has_content
        FROM generations
        WHERE project = {project:String}
          AND kind IN ('llm', 'embedding')
          AND start_time >= {from_time:DateTime64(3, 'UTC')} - INTERVAL 1 HOUR
          AND start_time < {to_time:DateTime64(3, 'UTC')} + INTERVAL 1 HOUR
    ),
    between_calls AS
    (
        SELECT b.trace_id AS trace_id, b.span_id AS span_id, b.parent_span_id AS parent_span_id, llm.kind AS kind, llm.has_tokens AS has_tokens
        FROM
        (
            SELECT trace_id, span_id, parent_span_id
            FROM generations
            WHERE project = {project:String}
              AND kind NOT IN ('llm', 'embedding', 'tool', 'agent')
              AND start_time >= {from_time:DateTime64(3, 'UTC')} - INTERVAL 1 HOUR
              AND start_time < {to_time:DateTime64(3, 'UTC')} + INTERVAL 1 HOUR
        ) AS b
        INNER JOIN llm ON llm.trace_id = b.trace_id AND llm.span_id = b.parent_span_id
    ),
    labels AS
    (
        SELECT trace_id, argMinIf(session_id, (start_time, span_id), session_id != '') AS trace_session,
               argMinIf(user_id, (start_time, span_id), user_id != '') AS trace_user
        FROM generations
        WHERE project = {project:String}
          AND (session_id != '' OR user_id != '')
          AND start_time >= {from_time:DateTime64(3, 'UTC')} - INTERVAL 1 HOUR
          AND start_time < {to_time:DateTime64(3, 'UTC')} + INTERVAL 1 HOUR
        GROUP BY trace_id
    )
SELECT
    g.* REPLACE (if(g.session_id != '', g.session_id, labels.trace_session) AS session_id,
                 if(g.user_id != '', g.user_id, labels.trace_user) AS user_id),
    g.model AS model
FROM
(
    SELECT *, model
    FROM generations FINAL
    WHERE project = {project:String}
      AND start_time >= {from_time:DateTime64(3, 'UTC')}
      AND start_time < {to_time:DateTime64(3, 'UTC')}
      AND kind IN ('llm', 'embedding')
      AND (trace_id, parent_span_id, kind) NOT IN
      (
          SELECT trace_id, span_id, kind FROM llm WHERE has_tokens
          UNION ALL
          SELECT trace_id, span_id, kind FROM between_calls WHERE has_tokens
      )
      AND (input_tokens IS NOT NULL OR output_tokens IS NOT NULL
           OR ((trace_id, parent_span_id, kind) NOT IN
               (SELECT trace_id, span_id, kind FROM llm UNION ALL SELECT trace_id, span_id, kind FROM between_calls)
               AND (trace_id, span_id, kind) NOT IN
               (
                   SELECT trace_id, parent_span_id, kind FROM llm WHERE has_tokens
                   UNION ALL
                   SELECT b.trace_id, b.parent_span_id, llm.kind
                   FROM between_calls AS b INNER JOIN llm ON llm.trace_id = b.trace_id AND llm.parent_span_id = b.span_id
                   WHERE llm.has_tokens
               )))
      AND (kind != 'llm' OR response_id = '' OR (trace_id, span_id) NOT IN
      (
          SELECT trace_id, span_id
          FROM
          (
              SELECT
                  trace_id, span_id, start_time, duration_ms,
                  first_value((trace_id, span_id)) OVER same_response AS counted,
                  first_value(start_time) OVER same_response AS counted_start,
                  first_value(duration_ms) OVER same_response AS counted_ms
              FROM llm
              WHERE kind = 'llm'
                AND response_id IN (SELECT response_id FROM llm WHERE response_id != '' GROUP BY response_id HAVING uniqExact(trace_id) > 1)
              WINDOW same_response AS
              (
                  PARTITION BY response_id
                  ORDER BY has_tokens DESC, has_content DESC, start_time, duration_ms DESC, trace_id, span_id
                  ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
              )
          )
          WHERE (trace_id, span_id) != counted
            AND start_time <= counted_start + toIntervalMicrosecond(toInt64(counted_ms * 1000))
            AND counted_start <= start_time + toIntervalMicrosecond(toInt64(duration_ms * 1000))
      ))
      AND (dialect != 'logfire' OR startsWith(name, 'streaming response from') OR is_error OR input_tokens IS NOT NULL OR (service, request_model, input_messages) NOT IN
      (
          SELECT service, request_model, input_messages
          FROM generations
          WHERE project = {project:String}
            AND dialect = 'logfire'
            AND startsWith(name, 'streaming response from')
            AND start_time >= {from_time:DateTime64(3, 'UTC')} - INTERVAL 1 HOUR
            AND start_time < {to_time:DateTime64(3, 'UTC')} + INTERVAL 1 HOUR
      ))
) AS g
LEFT JOIN labels ON labels.trace_id = g.trace_id;
