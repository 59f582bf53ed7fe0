-- p-values of a reference's own windows, if they were computed. project, name, version, segment_by, segment; analyzer, analyzer_version, field;
-- embedding_model: '' where nothing was embedded. Returns p_values, one row or none.
SELECT p_values
FROM reference_checks FINAL
WHERE project = {project:String}
  AND name = {name:String}
  AND version = {version:String}
  AND segment_by = {segment_by:String}
  AND segment = {segment:String}
  AND analyzer = {analyzer:String}
  AND analyzer_version = {analyzer_version:String}
  AND field = {field:String}
  AND embedding_model = {embedding_model:String}
LIMIT 1
