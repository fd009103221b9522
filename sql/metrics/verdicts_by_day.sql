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
    SELECT worked_on, verdict
    FROM episodes_in($from_on, $to_on, $sites, $tasks, $workers, $rigs, $program)
    WHERE is_counted
)
SELECT
    worked_on,
    count(*) FILTER (verdict = 'good') AS good,
    count(*) FILTER (verdict = 'unknown') AS unknown,
    count(*) FILTER (verdict = 'suspect') AS suspect,
    count(*) FILTER (verdict = 'fail') AS fail
FROM day LEFT JOIN judged USING (worked_on)
GROUP BY worked_on
ORDER BY worked_on
