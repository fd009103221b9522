-- Definition: what people decided on an episode, oldest first.
-- Unit: instants in UTC
-- Grain: one row per review
-- Parameters: $episode_id
SELECT id AS review_id, reviewer, decision, reason, note, policy, decided_at
FROM review
WHERE episode_id = $episode_id
ORDER BY decided_at, id
