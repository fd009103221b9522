-- Definition: how many episodes there are, duplicates left out; how many have their scores kept, so
--   that moved limits can be tried on them; and how many stand under another policy than the given.
-- Unit: episodes
-- Grain: one row per record
-- Parameters: $version (a policy's <name>@<hash>)
SELECT
    count(*) AS episodes,
    count(*) FILTER (is_scored) AS scored,
    count(*) FILTER (policy <> $version) AS under_another,
    count(*) FILTER (measurements IS NOT NULL AND (policy <> $version OR NOT is_scored)) AS to_judge
FROM episode
WHERE duplicate_of IS NULL
