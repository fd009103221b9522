-- Definition: hours of a worker's episodes whose verdict would change if limits moved, those that
--   turn better and those that turn worse, beside all the hours recorded.
-- Unit: episodes; hours of 3,600 s
-- Grain: one row per worker of whom any verdict changes
-- Parameters: $checks, $signs, $scopes, $owners, $suspects_before, $fails_before,
--   $suspects_after, $fails_after (lists of one length, see regraded in sql/views/60_policy.sql)
WITH
moved AS (
    SELECT
        worker_id, count(*) AS episodes,
        count(*) FILTER (rank_of(after) > rank_of(before)) AS worse,
        hours_of(sum(round(duration_s * 1000)) FILTER (rank_of(after) < rank_of(before)))
            AS better_h,
        hours_of(sum(round(duration_s * 1000)) FILTER (rank_of(after) > rank_of(before)))
            AS worse_h
    FROM moved_verdicts(
    $checks, $signs, $scopes, $owners, $suspects_before, $fails_before, $suspects_after,
    $fails_after)
    GROUP BY worker_id
),
recorded AS (
    SELECT worker_id, hours_of(sum(recorded_ms)) AS recorded_h FROM cell GROUP BY worker_id
)
SELECT moved.worker_id, episodes, worse, better_h, worse_h, coalesce(recorded_h, 0.0) AS recorded_h
FROM moved
LEFT JOIN recorded ON recorded.worker_id IS NOT DISTINCT FROM moved.worker_id
ORDER BY better_h + worse_h DESC, moved.worker_id
