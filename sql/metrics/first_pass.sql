-- Definition: first-pass yield is the share of submitted clips, reworks apart, whose first decision
--   accepted them, and never changes afterwards; the rejection rate is the share of all decided
--   clips, reworks with them, that stand rejected. Duplicates are in neither. With Wilson 95 %
--   intervals.
-- Unit: clips; shares between 0 and 1
-- Grain: one row per filter
-- Parameters: $from_on, $to_on (days, both included), $sites, $tasks, $workers, $rigs (lists of
--   ids, NULL for all), $program (an id, NULL for all)
WITH
counted AS (
    SELECT
        count(*) FILTER (retake_of IS NULL AND first_decision IS NOT NULL) AS originals,
        count(*) FILTER (retake_of IS NULL AND first_decision = 'accepted') AS passed,
        count(*) FILTER (is_decided) AS decided,
        count(*) FILTER (is_decided AND NOT is_accepted) AS rejected,
        count(*) FILTER (retake_of IS NOT NULL) AS reworks
    FROM episodes_in($from_on, $to_on, $sites, $tasks, $workers, $rigs, $program)
    WHERE is_counted
)
SELECT
    originals, passed, passed / nullif(originals, 0) AS first_pass,
    CASE WHEN originals > 0 THEN wilson_low(passed, originals) END AS first_pass_low,
    CASE WHEN originals > 0 THEN wilson_high(passed, originals) END AS first_pass_high,
    decided, rejected, rejected / nullif(decided, 0) AS rejection,
    CASE WHEN decided > 0 THEN wilson_low(rejected, decided) END AS rejection_low,
    CASE WHEN decided > 0 THEN wilson_high(rejected, decided) END AS rejection_high,
    reworks
FROM counted
