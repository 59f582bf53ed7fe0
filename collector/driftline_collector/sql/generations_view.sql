-- spans -> generations: one row for each span that is a GenAI operation, in one vocabulary. Generated from dialects/fields.yaml; the names
-- after a dollar are the expressions that driftline_collector.readers writes (which also explains codes, slots and items).
-- Everything is staged in subqueries and named once: every INSERT plans this query anew, and what is written twice is planned twice.
-- input_tokens is the total: an SDK whose cached tokens exceed its input reported the uncached ones, and they are added.
-- tokens: count; cost: US dollars; *_ms: milliseconds; NULL: not reported.
WITH ifNull(cache_read_tokens, 0) + ifNull(cache_write_tokens, 0) AS cached_tokens
SELECT
    project, service, start_time, trace_id, span_id, parent_span_id, name, kind, dialect, duration_ms, environment, release,
    if(reported_operation != '', reported_operation, $operation_of_kind) AS operation,
    provider, request_model, response_model, response_id, prompt_name, prompt_version, session_id, user_id, agent_name,
    is_error, error_type, if(is_error, if(status_message != '', status_message, exception_message), '') AS error_message,
    finish_reason, temperature, max_tokens, is_stream, time_to_first_token_ms,
    reported_input_tokens + if(cached_tokens > reported_input_tokens, cached_tokens, 0) AS input_tokens,
    output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, reported_cost_usd,
    if(notEmpty(system_messages), arrayStringConcat(system_messages.content, '\n'),
       arrayFirst(m -> m.role IN ('system', 'developer'), messages_in).content) AS system_prompt,
    if(empty(messages_in), plain_input,
       arrayLast(m -> m.role NOT IN ('system', 'developer', 'assistant', 'tool') AND m.content != '', messages_in).content)
        AS prompt,
    if(notEmpty(messages_out),
       arrayStringConcat(arrayFilter(t -> t != '', messages_out.content), '\n'),
       if(kind IN ('embedding', 'retrieval', 'reranker', 'tool'), '', plain_output)) AS completion,
    if(empty(messages_in), '', toJSONString(messages_in)) AS input_messages,
    if(empty(messages_out), '', toJSONString(messages_out)) AS output_messages,
    -- What the first list of documents leaves out is filled from the others, position by position.
    if(length(document_lists) < 2, document_lists[1],
       arrayMap(n -> (arrayFirst(t -> t != '', arrayMap(d -> d[n].1, document_lists)),
                      arrayFirst(t -> t != '', arrayMap(d -> d[n].2, document_lists)),
                      arrayFirst(s -> isNotNull(s), arrayMap(d -> d[n].3, document_lists))),
                arrayEnumerate(document_lists[1]))) AS documents,
    tool_name, tool_arguments, tool_result, received_at
FROM
(
    WITH
$slots,
        $kind AS kind,
$json_columns
    SELECT
        project, service, start_time, trace_id, span_id, parent_span_id, name, kind, received_at, status_message,
        $dialect AS dialect,
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
        $document_lists AS document_lists,
        $input_messages AS messages_in,
        $output_messages AS messages_out,
        $system_messages AS system_messages
    FROM
    (
        SELECT
            *,
            -- A conversation in JSON that cannot be read as one is a single message.
            arrayMap((text, messages) -> if(empty(messages) AND text NOT IN ('', '[]', '{}'), [('', text, [], '')],
                arrayFlatten(arrayMap(m -> arrayConcat(
                    -- A message that only carries tools' answers is those answers.
                    if(notEmpty(m.5) AND m.2 = '' AND empty(m.3), [], [(m.1, m.2, m.3, m.4)]::$messages_type),
                    arrayMap(p -> ('tool', if(p.response != '', p.response, p.result), [], p.id), m.5)::$messages_type),
                arrayMap(m -> (
                    m.role,
                    $message_content,
                    if(position(text, 'tool_call') = 0, [], arrayConcat(
                        arrayMap(p -> (p.id, p.name, p.arguments), arrayFilter(p -> p.type = 'tool_call', m.parts)),
                        arrayMap(t -> (t.id, if(t.name != '', t.name, t.function.name),
                                       if(t.arguments != '', t.arguments, t.function.arguments)), m.tool_calls))),
                    m.tool_call_id,
                    arrayFilter(p -> p.type = 'tool_call_response', m.parts)), messages))))::$messages_type,
                parsed_texts, parsed) AS conversations,
            arrayMap((slot, xs, parts) -> (
                    bitShiftRight(slot, 24) AS list,
                    xs[indexOf(parts, 0)] AS first,
                    $item_content,
                    if(parts[-1] < 4 * 65536, [],
                       arrayMap(j -> (xs[indexOf(parts, 4 * 65536 + j)], xs[indexOf(parts, 5 * 65536 + j)],
                                      xs[indexOf(parts, 6 * 65536 + j)]),
                                arraySort(arrayDistinct(arrayMap(p -> bitAnd(p, 65535), arrayFilter(p -> p >= 4 * 65536, parts)))))),
                    xs[indexOf(parts, 2 * 65536)]),
                arrayFilter((slot, is_first) -> is_first, item_slots, is_first_part),
                arraySplit((x, is_first) -> is_first, indexed_texts, is_first_part),
                arraySplit((p, is_first) -> is_first, item_parts, is_first_part)) AS items
        FROM
        (
            SELECT
                *,
                -- Code and place of every plain key, best first within its slot; only integers are sorted, no text is copied.
                arraySort(arrayMap((x, n, t) -> if(x = 0 OR empty(t), 0, x * 65536 + n), c, arrayEnumerate(c), v)) AS placed,
                arrayMap(x -> toUInt16(bitShiftRight(x, 24)), placed) AS known,
                arrayMap(x -> toUInt16(x), placed) AS places,
                -- Most spans have no indexed key: for them the costly part runs over empty arrays.
                if(has_indexed, v, []) AS indexed_v,
                arrayMap(k -> toUInt64($indexed_key_codes), if(has_indexed, keys, [])) AS indexed_codes,
                arrayFilter(x -> x > 0, indexed_codes) AS unsorted,
                arraySort(unsorted) AS indexed,
                arraySort((t, x) -> x, arrayFilter((t, x) -> x > 0, indexed_v, indexed_codes), unsorted) AS indexed_texts,
                arrayMap(x -> bitShiftRight(x, 32), indexed) AS item_slots,
                arrayMap(x -> bitAnd(x, 4294967295), indexed) AS item_parts,
                arrayMap((a, b) -> a != b, item_slots, arrayPopBack(arrayPushFront(item_slots, 0))) AS is_first_part,
                $parsed_texts AS parsed_texts,
                arrayMap(t -> JSONExtract(if(startsWith(t, '{'), concat('[', t, ']'), t), '$parsed_type'), parsed_texts) AS parsed
            FROM
            (
                SELECT
                    project, service, start_time, trace_id, span_id, parent_span_id, name, received_at, status_code,
                    status_message, duration_ns, resource_attributes, events, mapKeys(attributes) AS keys,
                    mapValues(attributes) AS v,
                    arrayMap(k -> toUInt64($key_codes), keys) AS c,
                    arrayExists(k -> position(k, '.0.') > 0, keys) AS has_indexed
                FROM spans
            )
            WHERE $recognised
        )
    )
)
