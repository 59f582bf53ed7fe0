-- How often a reference set's own windows alarmed when each was tested against the rest, by version, segment, analyzer and field.
-- project, name; level: an alarm is a p-value of at most this.
-- Returns version, segment_by, segment, analyzer, field, n_windows, n_alarms.
SELECT
    version, toString(segment_by) AS segment_by, segment, toString(analyzer) AS analyzer, toString(field) AS field,
    length(p_values) AS n_windows, arrayCount(p -> p <= {level:Float64}, p_values) AS n_alarms
FROM reference_checks FINAL
WHERE project = {project:String} AND name = {name:String} AND notEmpty(p_values)
ORDER BY version, segment_by, segment, analyzer, field
