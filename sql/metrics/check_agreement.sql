-- Definition: how a check agrees with the reviews that stand, under given limits. Confirmed: rejected
--   for the check's own reason; denied: accepted; rejections for other reasons say nothing of it.
--   Precision: confirmed of those that it flags (suspect or fail); recall: flagged of the confirmed.
--   Both with Wilson 95 % intervals; clips that nobody reviewed count in neither.
-- Unit: episodes; shares between 0 and 1
-- Grain: one row per side and check
-- Parameters: $checks, $signs, $scopes, $owners, $suspects_before, $fails_before,
--   $suspects_after, $fails_after (lists of one length, see regraded in sql/views/60_policy.sql)
WITH
told AS (
    SELECT check_name, episode_id, is_rejected
    FROM (SELECT DISTINCT unnest(CAST($checks AS VARCHAR[])) AS check_name) AS asked
    JOIN found_by_people ON NOT is_rejected OR reason = check_name
),
graded AS (FROM regraded(
    $checks, $signs, $scopes, $owners, $suspects_before, $fails_before, $suspects_after,
    $fails_after)),
sided AS (
    SELECT
        check_name, is_rejected, unnest(['before', 'after']) AS side,
        unnest([coalesce(before, 0) >= 2, coalesce(after, 0) >= 2]) AS is_flagged
    FROM told LEFT JOIN graded USING (episode_id, check_name)
),
counted AS (
    SELECT
        side, check_name,
        count(*) FILTER (is_rejected AND is_flagged) AS hits,
        count(*) FILTER (NOT is_rejected AND is_flagged) AS false_alarms,
        count(*) FILTER (is_rejected AND NOT is_flagged) AS misses,
        count(*) FILTER (NOT is_rejected AND NOT is_flagged) AS passes
    FROM sided GROUP BY side, check_name
)
SELECT
    side, check_name, hits, false_alarms, misses, passes,
    hits / nullif(hits + false_alarms, 0) AS "precision",
    wilson_low(hits, nullif(hits + false_alarms, 0)) AS precision_low,
    wilson_high(hits, nullif(hits + false_alarms, 0)) AS precision_high,
    hits / nullif(hits + misses, 0) AS recall,
    wilson_low(hits, nullif(hits + misses, 0)) AS recall_low,
    wilson_high(hits, nullif(hits + misses, 0)) AS recall_high
FROM counted
ORDER BY check_name, side DESC
