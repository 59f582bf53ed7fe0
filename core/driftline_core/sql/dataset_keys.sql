-- The calls of a data set, oldest first; where there are more than max_rows a part of them, chosen by a hash of the call.
-- project. kind: llm or retrieval. from_time (inclusive), to_time (exclusive): start of the call, DateTime64(3). service, model: exact, '' is any.
-- segment_by, segment: a column of analysis_calls.segments and its value, '' is any. analyzer, field: calls that it scored, '' is any.
-- is_flagged: 0, 1, -1 is any. is_labelled: by a reviewer, for the analyzer where one is named; 0, 1, -1 is any. sentiment: of feedback on the call or
-- on its trace: negative, neutral, positive, '' is any; given from said_from (inclusive) to said_to
-- (exclusive), DateTime64(3). max_rows.
-- Columns: start_ns Unix ns; trace, span as lower-case hex; n_selected: all that match.
SELECT start_ns, lower(hex(trace_id)) AS trace, lower(hex(span_id)) AS span, n_selected
FROM
(
    SELECT toUnixTimestamp64Nano(start_time) AS start_ns, trace_id, span_id, count() OVER () AS n_selected
    FROM analysis_calls(project = {project:String}, from_time = {from_time:DateTime64(3, 'UTC')}, to_time = {to_time:DateTime64(3, 'UTC')})
    WHERE kind = {kind:String}
      AND ({service:String} = '' OR service = {service:String})
      AND ({model:String} = '' OR model = {model:String})
      AND ({segment_by:String} = '' OR segments[{segment_by:String}] = {segment:String})
      AND ({analyzer:String} = '' OR (trace_id, span_id) IN
      (
          SELECT trace_id, span_id
          FROM
          (
              SELECT trace_id, span_id, is_flagged, status
              FROM scores FINAL
              WHERE project = {project:String}
                AND analyzer = {analyzer:String}
                AND ({field:String} = '' OR field = {field:String})
                AND start_time >= {from_time:DateTime64(3, 'UTC')}
                AND start_time < {to_time:DateTime64(3, 'UTC')}
              ORDER BY computed_at DESC
              LIMIT 1 BY field, trace_id, span_id
          )
          WHERE status = 'ok' AND ({is_flagged:Int8} = -1 OR is_flagged = {is_flagged:Int8})
      ))
      AND ({is_labelled:Int8} = -1 OR {is_labelled:Int8} = toUInt8((trace_id, span_id) IN
      (
          SELECT trace_id, span_id
          FROM human_labels FINAL
          WHERE project = {project:String} AND kind = 'label' AND is_deleted = 0 AND ({analyzer:String} = '' OR name = {analyzer:String})
      )))
      AND ({sentiment:String} = '' OR (trace_id, span_id) IN
      (
          SELECT trace_id, span_id
          FROM judgements(project = {project:String}, traces = [], from_ms = 0, to_ms = 4102444800000)
          WHERE kind = 'feedback' AND multiIf(value < 0, 'negative', value > 0, 'positive', value = 0, 'neutral', '') = {sentiment:String}
            AND time >= {said_from:DateTime64(3, 'UTC')} AND time < {said_to:DateTime64(3, 'UTC')}
      ) OR trace_id IN
      (
          SELECT trace_id
          FROM judgements(project = {project:String}, traces = [], from_ms = 0, to_ms = 4102444800000)
          WHERE kind = 'feedback' AND span_id = toFixedString('', 8)
            AND multiIf(value < 0, 'negative', value > 0, 'positive', value = 0, 'neutral', '') = {sentiment:String}
            AND time >= {said_from:DateTime64(3, 'UTC')} AND time < {said_to:DateTime64(3, 'UTC')}
      ))
    ORDER BY cityHash64('dataset', trace_id, span_id), trace_id, span_id
    LIMIT {max_rows:UInt64}
)
ORDER BY start_ns, trace, span
