    g.start_time AS start_time,
    toUnixTimestamp64Nano(g.start_time) AS start_ns,
    lower(hex(g.trace_id)) AS trace_id_hex,
    lower(hex(g.span_id)) AS span_id_hex,
    if(g.parent_span_id = toFixedString('', 8), NULL, lower(hex(g.parent_span_id))) AS parent_span_id_hex,
    g.service AS service, g.environment AS environment, g.release AS release,
    g.name AS name, g.kind AS kind, g.operation AS operation, g.dialect AS dialect,
    g.provider AS provider, g.model AS model, g.request_model AS request_model, g.response_model AS response_model,
    g.prompt_name AS prompt_name, g.prompt_version AS prompt_version,
    g.session_id AS session_id, g.user_id AS user_id, g.agent_name AS agent_name,
    g.duration_ms AS duration_ms, g.time_to_first_token_ms AS time_to_first_token_ms,
    g.is_error = 1 AS is_error, g.error_type AS error_type, g.error_message AS error_message,
    g.finish_reason AS finish_reason, g.temperature AS temperature, g.max_tokens AS max_tokens,
    g.input_tokens AS input_tokens, g.output_tokens AS output_tokens, g.cache_read_tokens AS cache_read_tokens,
    g.cache_write_tokens AS cache_write_tokens, g.reasoning_tokens AS reasoning_tokens,
    g.reported_cost_usd AS reported_cost_usd,
    arrayFilter(period -> g.start_time >= period.2 AND g.start_time < period.3, book.periods) AS valid_prices,
    toFloat64(ifNull(g.cache_read_tokens, 0)) AS cache_read, toFloat64(ifNull(g.cache_write_tokens, 0)) AS cache_write,
    if(
        g.kind NOT IN ('llm', 'embedding') OR empty(valid_prices)
            OR (g.input_tokens IS NULL AND g.output_tokens IS NULL),
        NULL,
        (
            greatest(toFloat64(ifNull(g.input_tokens, 0)) - cache_read - cache_write, 0) * valid_prices[1].4
            + toFloat64(ifNull(g.output_tokens, 0)) * valid_prices[1].5
            + cache_read * valid_prices[1].6 + cache_write * valid_prices[1].7
        ) / 1e6
    ) AS cost_usd,
    leftUTF8(g.prompt, {preview_chars:UInt32}) AS prompt_preview,
    leftUTF8(g.completion, {preview_chars:UInt32}) AS completion_preview,
    lengthUTF8(g.prompt) > {preview_chars:UInt32} OR lengthUTF8(g.completion) > {preview_chars:UInt32} AS is_cut,
    if({with_content:UInt8} = 1, g.system_prompt, '') AS system_prompt,
    if({with_content:UInt8} = 1, g.prompt, '') AS prompt,
    if({with_content:UInt8} = 1, g.completion, '') AS completion,
    if({with_content:UInt8} = 1, g.input_messages, '') AS input_messages,
    if({with_content:UInt8} = 1, g.output_messages, '') AS output_messages,
    if({with_content:UInt8} = 1, g.documents, []) AS documents,
    if({with_content:UInt8} = 1, g.tool_name, '') AS tool_name,
    if({with_content:UInt8} = 1, g.tool_arguments, '') AS tool_arguments,
    if({with_content:UInt8} = 1, g.tool_result, '') AS tool_result
