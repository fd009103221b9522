-- Definition: episodes with a flag of grade suspect or fail, by check; an episode counts once a
--   check.
-- Unit: episodes, recorded hours; share of the episodes in the filter
-- Grain: one row per check
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
by_check AS (
    SELECT
        check_name,
        count(*) AS episodes,
        count(*) FILTER (is_fail) AS failed,
        hours_of(sum(recorded_ms)) AS affected_h,
        count(DISTINCT rig_id) AS rigs
    FROM found JOIN chosen_episode ON chosen_episode.id = found.episode_id
    GROUP BY check_name
)
SELECT
    check_name, episodes, failed, affected_h,
    episodes / (SELECT count(*) FROM chosen_episode) AS share,
    sum(episodes) OVER (ORDER BY episodes DESC, check_name) / sum(episodes) OVER ()
        AS cumulative_share,
    rigs
FROM by_check
ORDER BY episodes DESC, check_name
