-- Definition: episodes with a flag of grade suspect or fail a day, by check; an episode counts
--   once a check.
-- Unit: episodes; share of the day's episodes
-- Grain: one row per (day, check) with any
-- Parameters: $from_on, $to_on (days, both included), $sites, $tasks, $workers, $rigs (lists of
--   ids, NULL for all), $program (an id, NULL for all)
WITH
chosen_episode AS (
    FROM episodes_in($from_on, $to_on, $sites, $tasks, $workers, $rigs, $program)
    WHERE is_counted
),
found AS (
    SELECT episode_id, check_name, bool_or(grade = 'fail') AS is_fail
    FROM flag
    WHERE grade IN ('suspect', 'fail')
    GROUP BY episode_id, check_name
),
by_day AS (SELECT worked_on, count(*) AS episodes FROM chosen_episode GROUP BY worked_on),
by_day_check AS (
    SELECT worked_on, check_name, count(*) AS flagged
    FROM found JOIN chosen_episode ON chosen_episode.id = found.episode_id
    GROUP BY worked_on, check_name
)
SELECT worked_on, check_name, flagged, episodes, flagged / episodes AS share
FROM by_day_check JOIN by_day USING (worked_on)
ORDER BY worked_on, check_name
