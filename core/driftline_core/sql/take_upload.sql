-- Files the uploaded rows of a golden set under its version. project, name, upload; version; segment_by, segment.
INSERT INTO reference_texts
(
    project, name, version, segment_by, segment, kind, start_time, trace_id, span_id, session_id, model, prompt_version, user_id, metadata, prompt,
    completion, documents
)
SELECT
    project, name, {version:String}, {segment_by:String}, {segment:String}, kind, start_time, trace_id, span_id, session_id, model, prompt_version,
    user_id, metadata, prompt, completion, documents
FROM reference_texts FINAL
WHERE project = {project:String} AND name = {name:String} AND version = concat('upload/', {upload:String})
