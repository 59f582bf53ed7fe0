-- LLM calls of a service for the comparison of groups, each once, sampled by whole sessions in the order of a hash of their id.
-- project, service; model: '' for all; from_time inclusive, to_time exclusive; max_calls; max_per_session; max_chars: longest text returned.
-- declared: columns whose values are groups; template_by: the column that says which template was asked, pair_by:
-- the one that names a counterfactual pair, '' for none.
-- Returns trace_id_hex, span_id_hex (lower hex), session_key (the trace where a call has no session), model_name, prompt, completion,
-- declared_values (as in declared), template, pair.
SELECT
    lower(hex(trace_id)) AS trace_id_hex,
    lower(hex(span_id)) AS span_id_hex,
    if(session_id != '', session_id, trace_id_hex) AS session_key,
    model AS model_name,
    leftUTF8(prompt, {max_chars:UInt64}) AS prompt,
    leftUTF8(completion, {max_chars:UInt64}) AS completion,
    arrayMap(name -> segments[name], {declared:Array(String)}) AS declared_values,
    segments[{template_by:String}] AS template,
    segments[{pair_by:String}] AS pair
FROM analysis_calls(
    project = {project:String}, from_time = {from_time:DateTime64(3, 'UTC')}, to_time = {to_time:DateTime64(3, 'UTC')}
)
WHERE service = {service:String}
  AND kind = 'llm'
  AND is_error = 0
  AND notEmpty(completion)
  AND ({model:String} = '' OR model = {model:String})
ORDER BY cityHash64(session_key), session_key, start_time, trace_id_hex, span_id_hex
LIMIT {max_per_session:UInt64} BY session_key
LIMIT {max_calls:UInt64}
