-- Definition: hours of a rig's episodes whose verdict would change if limits moved, those that
--   turn better and those that turn worse, beside all the hours recorded.
-- Unit: episodes; hours of 3,600 s
-- Grain: one row per rig of whom any verdict changes
-- Parameters: $checks, $signs, $scopes, $owners, $suspects_before, $fails_before,
--   $suspects_after, $fails_after (lists of one length, see regraded in sql/views/60_policy.sql)
WITH
moved AS (
    SELECT
        rig_id, count(*) AS episodes,
        count(*) FILTER (rank_of(after) > rank_of(before)) AS worse,
        hours_of(sum(round(duration_s * 1000)) FILTER (rank_of(after) < rank_of(before)))
            AS better_h,
        hours_of(sum(round(duration_s * 1000)) FILTER (rank_of(after) > rank_of(before)))
            AS worse_h
    FROM moved_verdicts(
    $checks, $signs, $scopes, $owners, $suspects_before, $fails_before, $suspects_after,
    $fails_after)
    GROUP BY rig_id
),
recorded AS (
    SELECT rig_id, hours_of(sum(recorded_ms)) AS recorded_h FROM cell GROUP BY rig_id
)
SELECT moved.rig_id, episodes, worse, better_h, worse_h, coalesce(recorded_h, 0.0) AS recorded_h
FROM moved
LEFT JOIN recorded ON recorded.rig_id IS NOT DISTINCT FROM moved.rig_id
ORDER BY better_h + worse_h DESC, moved.rig_id
