-- spans -> generations: one row for each span that is a GenAI operation, in one vocabulary. Generated from dialects/fields.yaml; the names
-- after a dollar are the expressions that driftline_collector.readers writes.
-- c, v: the codes of the attributes' keys (0: not in the table) and the attributes' texts, in the same order.
-- input_tokens is the total: an SDK whose cached tokens exceed its input reported the uncached ones, and they are added.
-- tokens: count; cost: US dollars; *_ms: milliseconds; NULL: not reported.
SELECT
    project, service, start_time, trace_id, span_id, parent_span_id, name, kind, dialect, duration_ms, environment, release,
    if(reported_operation != '', reported_operation, $operation_of_kind) AS operation,
    provider, request_model, response_model, response_id, prompt_name, prompt_version, session_id, user_id, agent_name,
    is_error, error_type, if(is_error, if(status_message != '', status_message, exception_message), '') AS error_message,
    finish_reason, temperature, max_tokens, is_stream, time_to_first_token_ms,
    reported_input_tokens + if(ifNull(cache_read_tokens, 0) + ifNull(cache_write_tokens, 0) > reported_input_tokens,
                               ifNull(cache_read_tokens, 0) + ifNull(cache_write_tokens, 0), 0) AS input_tokens,
    output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, reported_cost_usd,
    if(notEmpty(system_messages), arrayStringConcat(system_messages.content, '\n'),
       arrayFirst(m -> m.role IN ('system', 'developer'), messages_in).content) AS system_prompt,
    if(user_turn != '' OR notEmpty(messages_in), user_turn, plain_input) AS prompt,
    if(notEmpty(messages_out),
       arrayStringConcat(arrayFilter(t -> t != '', messages_out.content), '\n'),
       if(kind IN ('embedding', 'retrieval', 'reranker', 'tool'), '', plain_output)) AS completion,
    if(empty(messages_in), '', toJSONString(messages_in)) AS input_messages,
    if(empty(messages_out), '', toJSONString(messages_out)) AS output_messages,
    documents, tool_name, tool_arguments, tool_result, received_at
FROM
(
    SELECT
        project, service, start_time, trace_id, span_id, parent_span_id, name, kind, dialect, received_at, status_message,
        duration_ns / 1000000 AS duration_ms,
        $operation AS reported_operation,
        $provider AS provider,
        $request_model AS request_model,
        $response_model AS response_model,
        $response_id AS response_id,
        $prompt_name AS prompt_name,
        $prompt_version AS prompt_version,
        $session_id AS session_id,
        $user_id AS user_id,
        $agent_name AS agent_name,
        $environment AS environment,
        $release AS release,
        $error_type AS error_type,
        toUInt8(status_code = 2 OR error_type != '') AS is_error,
        $exception_message AS exception_message,
        $finish_reason AS finish_reason,
        $temperature AS temperature,
        $max_tokens AS max_tokens,
        $is_stream AS is_stream,
        $time_to_first_token_ms AS time_to_first_token_ms,
        $input_tokens AS reported_input_tokens,
        $output_tokens AS output_tokens,
        $cache_read_tokens AS cache_read_tokens,
        $cache_write_tokens AS cache_write_tokens,
        $reasoning_tokens AS reasoning_tokens,
        $reported_cost_usd AS reported_cost_usd,
        $tool_name AS tool_name,
        $tool_arguments AS tool_arguments,
        $tool_result AS tool_result,
        $plain_input AS plain_input,
        $plain_output AS plain_output,
        $documents AS documents,
        $input_messages AS messages_in,
        $output_messages AS messages_out,
        $system_messages AS system_messages,
        arrayLast(m -> m.role NOT IN ('system', 'developer', 'assistant', 'tool') AND m.content != '', messages_in).content
            AS user_turn
    FROM
    (
        SELECT *, $kind AS kind, $dialect AS dialect
        FROM
        (
            SELECT
                project, service, start_time, trace_id, span_id, parent_span_id, name, received_at, status_code,
                status_message, duration_ns, resource_attributes, events,
                mapValues(attributes) AS v,
                arrayMap(k -> $codes, mapKeys(attributes)) AS c
            FROM spans
        )
        WHERE $recognised
    )
)
