-- The newest calls of each named reference set that stands still: ranges and pinned versions. A golden set has no time, a previous release moves on.
-- columns: project, service, name; last_time DateTime64 UTC.
SELECT sets.project AS project, sets.service AS service, sets.name AS name, max(versions.last_time) AS last_time
FROM (SELECT project, service, name, version FROM reference_sets FINAL WHERE is_deleted = 0 AND kind IN ('range', 'version')) AS sets
INNER JOIN (SELECT project, name, version, last_time FROM reference_versions FINAL) AS versions
    ON versions.project = sets.project AND versions.name = sets.name AND versions.version = toString(sets.version)
GROUP BY project, service, name
