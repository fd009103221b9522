-- Definition: episodes with a flag of grade suspect or fail a day, by check; an episode counts
--   once a check.
-- Unit: episodes; share of the day's episodes
-- Grain: one row per (day with episodes, check with any in the span), zeros included
-- Parameters: $from_on, $to_on (days, both included), $sites, $tasks, $workers, $rigs (lists of
--   ids, NULL for all), $program (an id, NULL for all)
WITH
by_day AS (
    SELECT worked_on, CAST(sum(episodes) AS BIGINT) AS episodes
    FROM counts_in($from_on, $to_on, $sites, $tasks, $workers, $rigs, $program)
    GROUP BY worked_on
),
by_day_check AS (
    SELECT worked_on, check_name, CAST(sum(episodes) AS BIGINT) AS flagged
    FROM defects_in($from_on, $to_on, $sites, $tasks, $workers, $rigs, $program)
    GROUP BY worked_on, check_name HAVING sum(episodes) > 0
)
SELECT
    worked_on, check_name, coalesce(flagged, 0) AS flagged, episodes,
    coalesce(flagged, 0) / episodes AS share
FROM by_day
CROSS JOIN (SELECT DISTINCT check_name FROM by_day_check)
LEFT JOIN by_day_check USING (worked_on, check_name)
WHERE episodes > 0
ORDER BY worked_on, check_name
