-- Removes what an earlier look at a window said and the newest does not: a group that came late changes who is compared with whom.
-- project, service, model; version; from_time, to_time: the window's start and end; kept: ids of the newest findings.
DELETE FROM findings
WHERE project = {project:String}
  AND analyzer = 'bias'
  AND analyzer_version = {version:String}
  AND service = {service:String}
  AND model = {model:String}
  AND window_start = {from_time:DateTime64(3, 'UTC')}
  AND window_end = {to_time:DateTime64(3, 'UTC')}
  AND NOT has({kept:Array(String)}, finding_id)
