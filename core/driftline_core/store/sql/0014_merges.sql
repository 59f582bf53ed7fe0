-- Merges of many parts at once: a row is written anew less often on its way into a large part. A collector makes a part every half second;
-- what it costs is up to as many small parts more for a query to open.
ALTER TABLE spans MODIFY SETTING min_parts_to_merge_at_once = 10;

ALTER TABLE generations MODIFY SETTING min_parts_to_merge_at_once = 10;
