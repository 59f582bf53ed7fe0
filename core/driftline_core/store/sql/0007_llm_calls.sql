-- LLM calls and embeddings of one project and time range, each once, whatever traced it twice. Use:
-- SELECT ... FROM llm_calls(project = {project:String}, from_time = {from_time:DateTime64(3)}, to_time = {to_time:DateTime64(3)})
-- from_time inclusive, to_time exclusive, by start_time. What repeats a call is looked for up to an hour around the range.
-- Left out: a row below an llm row of its trace that has tokens, directly or through one row that is no tool and no agent (an SDK's own span
-- under its instrumentation's); a row without tokens below any llm row, or above an llm row with tokens (a wrapper); and a row with the
-- response_id of another call that ran at the same time (two instrumentations with a trace each): the one with tokens, then the first, counts.
CREATE VIEW IF NOT EXISTS llm_calls AS
WITH
    llm AS
    (
        SELECT trace_id, span_id, parent_span_id, response_id, start_time, duration_ms,
               input_tokens IS NOT NULL OR output_tokens IS NOT NULL AS has_tokens
        FROM generations
        WHERE project = {project:String}
          AND kind = 'llm'
          AND start_time >= {from_time:DateTime64(3, 'UTC')} - INTERVAL 1 HOUR
          AND start_time < {to_time:DateTime64(3, 'UTC')} + INTERVAL 1 HOUR
    ),
    between_calls AS
    (
        SELECT trace_id, span_id, parent_span_id
        FROM generations
        WHERE project = {project:String}
          AND kind NOT IN ('llm', 'embedding', 'tool', 'agent')
          AND start_time >= {from_time:DateTime64(3, 'UTC')} - INTERVAL 1 HOUR
          AND start_time < {to_time:DateTime64(3, 'UTC')} + INTERVAL 1 HOUR
          AND (trace_id, parent_span_id) IN (SELECT trace_id, span_id FROM llm)
    )
SELECT *, model
FROM generations FINAL
WHERE project = {project:String}
  AND start_time >= {from_time:DateTime64(3, 'UTC')}
  AND start_time < {to_time:DateTime64(3, 'UTC')}
  AND kind IN ('llm', 'embedding')
  AND (trace_id, parent_span_id) NOT IN
  (
      SELECT trace_id, span_id FROM llm WHERE has_tokens
      UNION ALL
      SELECT trace_id, span_id FROM between_calls
      WHERE (trace_id, parent_span_id) IN (SELECT trace_id, span_id FROM llm WHERE has_tokens)
  )
  AND (input_tokens IS NOT NULL OR output_tokens IS NOT NULL OR kind != 'llm'
       OR ((trace_id, parent_span_id) NOT IN
           (SELECT trace_id, span_id FROM llm UNION ALL SELECT trace_id, span_id FROM between_calls)
           AND (trace_id, span_id) NOT IN
           (
               SELECT trace_id, parent_span_id FROM llm WHERE has_tokens
               UNION ALL
               SELECT trace_id, parent_span_id FROM between_calls
               WHERE (trace_id, span_id) IN (SELECT trace_id, parent_span_id FROM llm WHERE has_tokens)
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
          WHERE response_id IN (SELECT response_id FROM llm WHERE response_id != '' GROUP BY response_id HAVING uniqExact(trace_id) > 1)
          WINDOW same_response AS
          (
              PARTITION BY response_id ORDER BY has_tokens DESC, start_time, duration_ms DESC, trace_id, span_id
              ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
          )
      )
      WHERE (trace_id, span_id) != counted
        AND start_time <= counted_start + toIntervalMicrosecond(toInt64(counted_ms * 1000))
        AND counted_start <= start_time + toIntervalMicrosecond(toInt64(duration_ms * 1000))
  ));
