-- Thresholds that were set from labels, newest version first.
-- project. analyzer, field: exact, '' is any. is_newest: 1 keeps those that count now: each analyzer's and field's newest version, unless removed.
-- Columns: as in the table analyzer_thresholds; times UTC.
SELECT
    analyzer, field, version, threshold, is_removed, rule, target, confidence, bound, n_labels, analyzer_version, from_time, to_time, created_at
FROM
(
    SELECT *, max(version) OVER (PARTITION BY analyzer, field) AS newest
    FROM analyzer_thresholds FINAL
    WHERE project = {project:String}
      AND ({analyzer:String} = '' OR analyzer = {analyzer:String})
      AND ({field:String} = '' OR field = {field:String})
)
WHERE {is_newest:UInt8} = 0 OR (version = newest AND is_removed = 0)
ORDER BY analyzer, field, version DESC
