-- Definition: the spans that reviewers marked on an episode, by start; those of decisions that were
--   taken back left out.
-- Unit: seconds on the recording's clock; instants in UTC
-- Grain: one row per span
-- Parameters: $episode_id
SELECT
    mark.id AS mark_id, mark.reviewer, mark.reason, stream, start_s, end_s, marked_at
FROM mark LEFT JOIN review ON review.id = mark.review_id
WHERE mark.episode_id = $episode_id AND review.undone_at IS NULL
ORDER BY start_s, mark.id
