-- Definition: how each reviewer answered blind checks. Hit: a known-bad clip that was rejected;
--   false alarm: a known-good clip that was; each with its Wilson 95 % interval.
-- Unit: clips; shares between 0 and 1
-- Grain: one row per reviewer
-- Parameters: $from_on, $to_on (days of the decision in UTC, both included)
WITH
answered AS (
    SELECT reviewer, truth = 'rejected' AS is_bad, is_rejection
    FROM review_standing JOIN blind_check ON blind_check.id = subject_id
    WHERE kind = 'blind' AND CAST(decided_at AS DATE) BETWEEN $from_on AND $to_on
),
counted AS (
    SELECT
        reviewer,
        count(*) FILTER (is_bad) AS bad,
        count(*) FILTER (is_bad AND is_rejection) AS hits,
        count(*) FILTER (NOT is_bad) AS good,
        count(*) FILTER (NOT is_bad AND is_rejection) AS false_alarms
    FROM answered
    GROUP BY reviewer
)
SELECT
    reviewer, bad, hits, hits / nullif(bad, 0) AS hit_rate,
    CASE WHEN bad > 0 THEN wilson_low(hits, bad) END AS hit_low,
    CASE WHEN bad > 0 THEN wilson_high(hits, bad) END AS hit_high,
    good, false_alarms, false_alarms / nullif(good, 0) AS false_alarm_rate,
    CASE WHEN good > 0 THEN wilson_low(false_alarms, good) END AS false_alarm_low,
    CASE WHEN good > 0 THEN wilson_high(false_alarms, good) END AS false_alarm_high
FROM counted
ORDER BY reviewer
