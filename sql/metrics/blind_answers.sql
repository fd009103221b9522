-- Definition: every answer to a blind check, oldest first by reviewer; wrong is a known-good clip
--   rejected or a known-bad one accepted.
-- Unit: instants in UTC
-- Grain: one row per answer
-- Parameters: none
SELECT
    reviewer, decided_at, review_standing.episode_id, truth, decision,
    is_rejection <> (truth = 'rejected') AS is_wrong
FROM review_standing JOIN blind_check ON blind_check.id = subject_id
WHERE kind = 'blind'
ORDER BY reviewer, decided_at, review_standing.id
