-- Definition: verdicts, decisions and flagged hours of a span; duplicates are counted apart and
--   nowhere else.
-- Unit: episodes, hours; shares between 0 and 1 with Wilson 95 % intervals
-- Grain: one row per filter
-- Parameters: $from_on, $to_on (days, both included), $sites, $tasks, $workers, $rigs (lists of
--   ids, NULL for all), $program (an id, NULL for all)
WITH
flagged AS (
    SELECT sum(recorded_ms) AS flagged_ms
    FROM defects_in($from_on, $to_on, $sites, $tasks, $workers, $rigs, $program)
    WHERE is_first
),
summed AS (
    SELECT
        coalesce(sum(landed), 0) AS landed, coalesce(sum(episodes), 0) AS episodes,
        coalesce(sum(good), 0) AS good, coalesce(sum(unknown), 0) AS unknown,
        coalesce(sum(suspect), 0) AS suspect, coalesce(sum(fail), 0) AS fail,
        coalesce(sum(decided), 0) AS decided, coalesce(sum(accepted), 0) AS accepted
    FROM counts_in($from_on, $to_on, $sites, $tasks, $workers, $rigs, $program)
),
counted AS (
    SELECT
        CAST(episodes AS BIGINT) AS episodes, CAST(good AS BIGINT) AS good,
        CAST(unknown AS BIGINT) AS unknown, CAST(suspect AS BIGINT) AS suspect,
        CAST(fail AS BIGINT) AS fail, CAST(landed - episodes AS BIGINT) AS duplicates,
        CAST(decided AS BIGINT) AS decided, CAST(accepted AS BIGINT) AS accepted,
        CAST(episodes - decided AS BIGINT) AS waiting
    FROM summed
)
SELECT
    episodes, good, unknown, suspect, fail, duplicates, decided, accepted, waiting,
    good / nullif(episodes, 0) AS good_share,
    CASE WHEN episodes > 0 THEN wilson_low(good, episodes) END AS good_low,
    CASE WHEN episodes > 0 THEN wilson_high(good, episodes) END AS good_high,
    accepted / nullif(decided, 0) AS acceptance,
    CASE WHEN decided > 0 THEN wilson_low(accepted, decided) END AS acceptance_low,
    CASE WHEN decided > 0 THEN wilson_high(accepted, decided) END AS acceptance_high,
    hours_of(flagged_ms) AS flagged_h
FROM counted, flagged
