-- Definition: hours of a worker's or a rig's episodes whose verdict would change if limits moved,
--   those that turn better and those that turn worse, beside all the hours recorded.
-- Unit: episodes; hours of 3,600 s
-- Grain: one row per worker, and one per rig, of whom any verdict changes
-- Parameters: $checks, $signs, $scopes, $owners, $suspects_before, $fails_before,
--   $suspects_after, $fails_after (lists of one length, see regraded in sql/views/60_policy.sql)
WITH
moved AS (
    SELECT
        CASE grouping(worker_id) WHEN 0 THEN 'worker' ELSE 'rig' END AS kind,
        coalesce(worker_id, rig_id) AS id,
        count(*) AS episodes,
        count(*) FILTER (rank_of(after) > rank_of(before)) AS worse,
        hours_of(sum(round(duration_s * 1000)) FILTER (rank_of(after) < rank_of(before)))
            AS better_h,
        hours_of(sum(round(duration_s * 1000)) FILTER (rank_of(after) > rank_of(before)))
            AS worse_h
    FROM moved_verdicts(
        $checks, $signs, $scopes, $owners, $suspects_before, $fails_before, $suspects_after,
        $fails_after)
    GROUP BY GROUPING SETS (worker_id, rig_id)
),
recorded AS (
    SELECT
        CASE grouping(worker_id) WHEN 0 THEN 'worker' ELSE 'rig' END AS kind,
        coalesce(worker_id, rig_id) AS id,
        hours_of(sum(recorded_ms)) AS recorded_h
    FROM cell GROUP BY GROUPING SETS (worker_id, rig_id)
)
SELECT
    moved.kind, moved.id, episodes, worse, better_h, worse_h,
    coalesce(recorded_h, 0.0) AS recorded_h
FROM moved
LEFT JOIN recorded ON recorded.kind = moved.kind AND recorded.id IS NOT DISTINCT FROM moved.id
ORDER BY moved.kind DESC, better_h + worse_h DESC, moved.id
