-- Definition: first decisions of a reviewer since an instant that still stand: what to look at
--   again where a reviewer drifts.
-- Unit: instants in UTC
-- Grain: one row per decision
-- Parameters: $reviewer, $since (instant, UTC), $limit (rows)
SELECT id AS review_id, episode_id, decided_at, decision, reason, verdict
FROM review_standing
WHERE kind = 'first' AND reviewer = $reviewer AND decided_at >= $since
ORDER BY decided_at, id
LIMIT $limit
