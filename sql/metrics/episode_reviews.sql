-- Definition: what people decided on an episode, oldest first; blind checks left out, since who
--   reads this may be asked yet.
-- Unit: instants in UTC
-- Grain: one row per review
-- Parameters: $episode_id
SELECT
    review.id AS review_id, review.reviewer, decision, reason, note, policy, decided_at,
    kind, undone_at, hold_id IS NOT NULL AND hold.released_at IS NULL AS is_held
FROM review LEFT JOIN hold ON hold.id = review.hold_id
WHERE episode_id = $episode_id AND kind <> 'blind'
ORDER BY decided_at, review.id
