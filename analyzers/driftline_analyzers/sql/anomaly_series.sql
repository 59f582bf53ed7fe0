-- Services and models with calls, most first.
-- parameters: project String; from_s, to_s Int64 (Unix seconds): minutes from_s <= minute < to_s.
-- columns: service_name, model_name String.
SELECT service AS service_name, model AS model_name
FROM rollup_1m FINAL
WHERE project = {project:String}
  AND minute >= toDateTime({from_s:Int64}, 'UTC')
  AND minute < toDateTime({to_s:Int64}, 'UTC')
  AND calls > 0
GROUP BY service, model
ORDER BY sum(calls) DESC, service, model
