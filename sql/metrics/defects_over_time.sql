-- Definition: episodes with a flag of grade suspect or fail a day, by check; an episode counts
--   once a check.
-- Unit: episodes; share of the day's episodes
-- Grain: one row per (day, check) with any
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
SELECT worked_on, check_name, flagged, episodes, flagged / episodes AS share
FROM by_day_check JOIN by_day USING (worked_on)
ORDER BY worked_on, check_name
