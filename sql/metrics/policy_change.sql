-- Definition: episodes whose verdict would change from one word to another if limits moved, told
--   from stored scores; those reviewed keep the decision of theirs.
-- Unit: episodes; hours of 3,600 s
-- Grain: one row per verdict before and after
-- Parameters: $checks, $signs, $scopes, $owners, $suspects_before, $fails_before,
--   $suspects_after, $fails_after (lists of one length, see regraded in sql/views/60_policy.sql)
SELECT
    before, after, count(*) AS episodes, hours_of(sum(round(duration_s * 1000))) AS hours,
    count(*) FILTER (is_reviewed) AS reviewed,
    hours_of(sum(round(duration_s * 1000)) FILTER (is_reviewed)) AS reviewed_h
FROM moved_verdicts(
    $checks, $signs, $scopes, $owners, $suspects_before, $fails_before, $suspects_after,
    $fails_after)
GROUP BY before, after
ORDER BY hours DESC, before, after
