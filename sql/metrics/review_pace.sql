-- Definition: decisions of any kind since an instant that were not taken back: of all reviewers, and
--   of one; for the one the median time a clip took and decisions per hour of it (a clip counts 15
--   minutes at most).
-- Unit: decisions; seconds
-- Grain: one row per reviewer asked for
-- Parameters: $reviewer, $since (instant, UTC)
SELECT
    count(*) AS decided,
    count(*) FILTER (reviewer = $reviewer) AS mine,
    median(took_s) FILTER (reviewer = $reviewer) AS median_s,
    count(took_s) FILTER (reviewer = $reviewer)
        / nullif(sum(least(took_s, 900)) FILTER (reviewer = $reviewer) / 3600, 0) AS per_hour
FROM review_standing
WHERE decided_at >= $since
