-- Definition: verdicts a day; duplicates left out.
-- Unit: episodes
-- Grain: one row per day of the span, none left out
-- Parameters: $from_on, $to_on (days, both included), $sites, $tasks, $workers, $rigs (lists of
--   ids, NULL for all), $program (an id, NULL for all)
WITH
day AS (
    SELECT CAST(unnest(generate_series($from_on, $to_on, INTERVAL 1 DAY)) AS DATE) AS worked_on
),
judged AS (
    SELECT
        worked_on, sum(good) AS good, sum(unknown) AS unknown, sum(suspect) AS suspect,
        sum(fail) AS fail
    FROM counts_in($from_on, $to_on, $sites, $tasks, $workers, $rigs, $program)
    GROUP BY worked_on
)
SELECT
    worked_on,
    CAST(coalesce(good, 0) AS BIGINT) AS good,
    CAST(coalesce(unknown, 0) AS BIGINT) AS unknown,
    CAST(coalesce(suspect, 0) AS BIGINT) AS suspect,
    CAST(coalesce(fail, 0) AS BIGINT) AS fail
FROM day LEFT JOIN judged USING (worked_on)
ORDER BY worked_on
