-- The series that recording rules wrote since a time and that had not ended by their newest sample.
-- parameters: project String; since String, a DateTime64(3) in UTC. columns: rule_uid, name, labels String (JSON).
SELECT rule_uid, name, labels
FROM recorded_samples FINAL
WHERE project = {project:String}
  AND at >= {since:DateTime64(3, 'UTC')}
GROUP BY rule_uid, name, labels
HAVING argMax(is_stale, at) = 0
