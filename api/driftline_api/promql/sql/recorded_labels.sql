-- The recorded series that have a sample in a range, without their samples.
-- parameters: project String; from_ms, to_ms Int64 (Unix ms), both inclusive; those of the conditions on name.
-- columns: name; labels String, JSON without __name__.
SELECT toString(name) AS name, labels
FROM recorded_samples
WHERE project = {project:String}
  AND at >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC')
  AND at <= fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
  AND (
-- conditions
  )
GROUP BY name, labels
