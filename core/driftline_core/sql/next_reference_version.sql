-- The number of the next version of a reference set: above every one that there was, deleted and half-made ones too. project, name.
SELECT 1 + max(version) AS version
FROM
(
    SELECT max(version) AS version FROM reference_sets WHERE project = {project:String} AND name = {name:String}
    UNION ALL
    SELECT max(toUInt32OrZero(splitByChar('/', version)[1])) AS version
    FROM reference_texts
    WHERE project = {project:String} AND name = {name:String}
)
