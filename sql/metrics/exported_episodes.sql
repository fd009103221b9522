-- Definition: episodes by verdict since the record began, for Prometheus; duplicates left out.
-- Unit: episodes
-- Grain: one row per (verdict, site); site NULL is unknown
-- Parameters: none
WITH
by_site AS (
    SELECT
        site_id,
        CAST(sum(good) AS BIGINT) AS good,
        CAST(sum(unknown) AS BIGINT) AS unknown,
        CAST(sum(suspect) AS BIGINT) AS suspect,
        CAST(sum(fail) AS BIGINT) AS fail
    FROM cell
    GROUP BY site_id HAVING sum(landed) > 0
)
SELECT verdict, site_id, episodes
FROM by_site
UNPIVOT (episodes FOR verdict IN (good, unknown, suspect, fail))
ORDER BY verdict, site_id
