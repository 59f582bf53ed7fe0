-- Whether a version of a reference set was frozen. project, name, version, segment_by, segment. Returns one count.
SELECT count()
FROM reference_versions FINAL
WHERE project = {project:String}
  AND name = {name:String}
  AND version = {version:String}
  AND segment_by = {segment_by:String}
  AND segment = {segment:String}
