-- Definition: paths on their way in: waiting, being screened, or failed, which is damaged or not to
--   be read: such a path has an episode as well, with its verdict.
-- Unit: age_s in seconds since the path was seen; instants in UTC
-- Grain: one row per path
-- Parameters: $now (instant, UTC), $limit (rows)
SELECT
    path, state, seen_at, epoch(CAST($now AS TIMESTAMP) - seen_at) AS age_s, claimed_by, error
FROM landing
WHERE state IN ('waiting', 'screening', 'failed')
ORDER BY
    CASE state WHEN 'screening' THEN 0 WHEN 'waiting' THEN 1 ELSE 2 END,
    CASE WHEN state = 'failed' THEN -epoch(seen_at) ELSE epoch(seen_at) END, path
LIMIT $limit
