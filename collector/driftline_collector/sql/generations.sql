-- spans -> generations: one row for each span that is a GenAI operation, in one vocabulary. Generated from dialects/fields.yaml for the keys
-- that a batch of spans has; the names after a dollar are the expressions that driftline_collector.readers and .conversation write
-- (which also explain codes, slots, items and shapes). Everything is staged in subqueries and named once.
-- $spans: the batch, one row a span (driftline_collector.deriver). $derived_at, $mapping: literals of this run.
-- input_tokens is the total: an SDK whose cached tokens exceed its input reported the uncached ones, and they are added.
-- tokens: count; cost: US dollars; *_ms: milliseconds; NULL: not reported.
SELECT
    project, service, start_time, trace_id, span_id, parent_span_id, name, kind, dialect, scope_name, duration_ms, environment, release,
    operation, provider, request_model, response_model, response_id, prompt_name, prompt_version, prompt_template, prompt_variables,
    session_id, user_id, agent_name, workflow_name, is_error,
    -- 'Exception' says nothing: the message of many begins with what it was.
    if(named_error != '' AND reported_error_type IN ('Exception', '_OTHER', ''), named_error, reported_error_type) AS error_type,
    error_message,
    if(is_error, ifNull(reported_status_code, named_status_code), NULL) AS http_status_code,
    finish_reason, temperature, top_p, top_k, frequency_penalty, presence_penalty, max_tokens, seed, stop_sequences, choice_count,
    is_stream, time_to_first_token_ms,
    if(is_usage_unknown, NULL, reported_input_tokens + added_tokens) AS input_tokens,
    if(is_usage_unknown, NULL, reported_output_tokens + added_output_tokens) AS output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, input_audio_tokens, output_audio_tokens,
    toUInt8(is_estimating AND NOT is_usage_unknown) AS is_usage_estimated,
    reported_cost_usd, embedding_dimensions,
    if(notEmpty(system_messages), arrayStringConcat(arrayMap(m -> (m).2, system_messages), '\n'),
       arrayFirst(m -> (m).1 IN ('system', 'developer'), input).2) AS system_prompt,
    if(empty(input), plain_input,
       arrayLast(m -> (m).1 NOT IN ('system', 'developer', 'assistant', 'tool') AND (m).2 != '', input).2)
        AS prompt,
    if(arrayExists(m -> (m).2 != '', output),
       arrayStringConcat(arrayFilter(t -> t != '', arrayMap(m -> (m).2, output)), '\n'),
       if(kind IN ('embedding', 'retrieval', 'reranker', 'tool') OR has_output, '', plain_output)) AS completion,
    if(empty(input), '', toJSONString(input)) AS input_messages,
    if(empty(output), '', toJSONString(output)) AS output_messages,
    -- What the first list of documents leaves out is filled from the others, position by position.
    if(length(document_lists) < 2, document_lists[1],
       arrayMap(n -> (arrayFirst(t -> t != '', arrayMap(d -> d[n].1, document_lists)),
                      arrayFirst(t -> t != '', arrayMap(d -> d[n].2, document_lists)),
                      arrayFirst(s -> isNotNull(s), arrayMap(d -> d[n].3, document_lists))),
                arrayEnumerate(document_lists[1]))) AS documents,
    if(tool_name = '' AND kind = 'tool', name, tool_name) AS tool_name, tool_call_id, tool_arguments, tool_result, tool_definitions, tags, metadata,
    is_truncated,
    received_at, $derived_at AS derived_at, $mapping AS mapping
FROM
(
    WITH
        -- A message in JSON that cannot be read as one is a single message.
        arrayMap((text, all, event_filter) -> if(empty(all),
            if(text IN ('', '[]', '{}', 'null', '[null]'), [], [('', $single, [], '')])::$messages_type,
            arrayFlatten(arrayMap(m -> arrayConcat(
                -- A message that only carries tools' answers is those answers.
                if(notEmpty((m).5) AND (m).2 = '' AND empty((m).3), [], [((m).1, (m).2, (m).3, (m).4)]::$messages_type),
                arrayMap(p -> ('tool', (p).2, [], (p).1), (m).5)::$messages_type),
                arrayFilter(m -> event_filter = 0 OR ((m).6 = 'gen_ai.choice') = (event_filter = 2), all)))),
            lists, messages,
            -- Events of a conversation in one attribute: the choice is the answer, all others went in.
            [arrayExists(m -> (m).6 = 'gen_ai.choice', messages[1]), 2 * arrayExists(m -> (m).6 = 'gen_ai.choice', messages[2]), 0])
            AS conversations
    SELECT
        $carried, $settled, is_truncated, $input_messages AS input, $output_messages AS output, notEmpty(output) OR notEmpty(conversations[2]) OR $has_flat_output AS has_output, conversations[3] AS system_messages
    FROM
    (
        SELECT
            $carried, $settled, items, lists, is_truncated,
            -- role, content, tool calls, id of the call that it answers, answers of tools (id, text), event
            arrayMap((ms, has_tools) -> arrayMap(m -> (
                    transform(lower((m).2), [$role_names], [$role_values], (m).2),
                    $content,
                    if(has_tools, $calls, [])::$calls_type,
                    if((m).1.tool_call_id != '', (m).1.tool_call_id,
                       multiIf((m).1.type = 'function_call_output', (m).1.call_id, (m).2 = 'tool', (m).1.id, '')),
                    if(has_tools, $answers, [])::Array(Tuple(String, String)),
                    (m).4), ms),
                read, arrayMap(t -> position(t, '"tool') > 0 OR position(t, '"function') > 0, lists)) AS messages
        FROM
        (
            WITH
                arrayMap(t -> if(startsWith(t, '['), t, ''), lists) AS arrays,
                arrayMap(t -> JSONExtract(t, '$parsed_type'), arrays) AS parsed
            SELECT
                $carried, $settled, items, lists,
                -- JSON that was cut off parses as nothing: what there is of it stands as one message.
                toUInt8(dropped_attributes_count > 0 OR arrayExists((t, p) -> length(t) > 2 AND empty(p) AND NOT isValidJSON(t), arrays, parsed)) AS is_truncated,
                -- body, role, parts, event
                arrayMap(ms -> arrayMap(b -> (
                        (b).1,
                        multiIf((b).1.role != '', (b).1.role, (b).1.type IN ($role_types), (b).1.type,
                                (b).1.type = 'function_call_output', 'tool', (b).2),
                        multiIf(notEmpty((b).1.parts), (b).1.parts,
                                startsWith((b).1.content, '{') AND position((b).1.content, '"parts"') > 0,
                                JSONExtract((b).1.content, 'parts', '$parts_type'),
                                JSONExtract(if(startsWith((b).1.content, '[{'), (b).1.content, ''), '$parts_type')),
                        (b).3), $bodies), parsed) AS read
            FROM
            (
                WITH
                    arrayMap(t -> JSONExtract(if(startsWith(t, '{'), t, ''), '$wrapped_type'), texts) AS wrapped,
                    arrayMap((t, o) -> $unwrapped, texts, wrapped) AS unwrapped
                -- An object's place that holds null would make the engine give up on the whole text.
                SELECT $carried, $settled, items, dropped_attributes_count, arrayMap(t -> if(position(t, 'null') > 0, replaceRegexpAll(t, '$nullable', '"_":0'), t),
                             arrayMap(t -> if(startsWith(t, '[['), JSONExtractRaw(t, 1), t), unwrapped)) AS lists
                FROM
                (
                    WITH ifNull(cache_read_tokens, 0) + ifNull(cache_write_tokens, 0) AS cached_tokens
                    SELECT
                        $carried, items, dropped_attributes_count, texts,
                        if(reported_operation != '', reported_operation, $operation_of_kind) AS operation,
                        if(reported_provider != '', reported_provider, $provider_of_model) AS provider,
                        if(is_error, if(status_message != '', status_message, exception_message), '') AS error_message,
                        extract(error_message, '^[A-Za-z_.]*?([A-Z][A-Za-z0-9]*(?:Error|Exception))\\b') AS named_error,
                        toUInt16OrNull(extract(error_message, '(?i)(?:error code|status.?code)\\D{0,3}([45][0-9][0-9])\\b')) AS named_status_code,
                        -- No call of a model takes no token and gives none: both 0 is what some SDKs write when the server said nothing.
                        kind = 'llm' AND ifNull(reported_input_tokens, 0) = 0 AND ifNull(reported_output_tokens, 0) = 0 AS is_usage_unknown,
                        -- A total that only comes out with the cached and the reasoning tokens says that they stand beside the others, not within.
                        ifNull(total_tokens = reported_input_tokens + reported_output_tokens + cached_tokens + ifNull(reasoning_tokens, 0), 0)
                            AS is_disjoint,
                        if(is_disjoint OR cached_tokens > reported_input_tokens OR $is_uncached_input, cached_tokens, 0) AS added_tokens,
                        if(is_disjoint, ifNull(reasoning_tokens, 0), 0) AS added_output_tokens,
                        toUInt8(ifNull(is_stream, 0) AND $is_estimating) AS is_estimating
                    FROM
                    (
                        SELECT
                            project, service, start_time, trace_id, span_id, parent_span_id, name, scope_name, kind, dialect, received_at,
                            status_message, dropped_attributes_count, duration_ns / 1000000 AS duration_ms, items, texts,
                            document_lists, metadata, $typed,
                            toUInt8(status_code = 2 OR reported_error_type != '') AS is_error,
                            $tag_list AS tags
                        FROM
                        (
                            -- Every field as text, of the first source that has one.
                            SELECT
                                project, service, start_time, trace_id, span_id, parent_span_id, name, scope_name, kind, received_at,
                                status_code, status_message, dropped_attributes_count, duration_ns, items,
                                $dialect AS dialect,
                                $raw,
                                [$input_text, $output_text, $system_text] AS texts,
                                $metadata AS metadata,
                                $document_lists AS document_lists
                            FROM
                            (
                                SELECT *$json_columns$events_columns
                                FROM
                                (
                                    SELECT *, $kind AS kind
                                    FROM
                                    (
                                        SELECT
                                            project, service, start_time, trace_id, span_id, parent_span_id, name, scope_name, received_at,
                                            status_code, status_message, dropped_attributes_count, duration_ns, events, resource_attributes,
                                            keys, v, known, $items AS items$slots
                                        FROM
                                        (
                                            SELECT
                                                *,
                                                -- Code and place of every plain key, best first within its slot: integers are sorted.
                                                arraySort(arrayMap((x, n, t) -> if(x = 0 OR empty(t), 0, x * 65536 + n),
                                                                   c, arrayEnumerate(c), v)) AS placed,
                                                arrayMap(x -> toUInt16(bitShiftRight(x, 24)), placed) AS known,
                                                arrayMap(x -> toUInt16(x), placed) AS places$indexed
                                            FROM (SELECT *, arrayMap(k -> toUInt64($key_codes), keys) AS c FROM ($spans))
                                            WHERE $recognised
                                        )
                                    )
                                )
                            )
                        )
                    )
                )
            )
        )
    )
)
