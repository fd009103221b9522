-- Definition: episodes with a flag of grade suspect or fail, by check; an episode counts once a
--   check.
-- Unit: episodes, recorded hours; share of the episodes in the filter
-- Grain: one row per check
-- Parameters: $from_on, $to_on (days, both included), $sites, $tasks, $workers, $rigs (lists of
--   ids, NULL for all), $program (an id, NULL for all)
WITH
by_rig AS (
    SELECT
        check_name, rig_id,
        sum(episodes) AS episodes, sum(failed) AS failed, sum(recorded_ms) AS recorded_ms
    FROM defects_in($from_on, $to_on, $sites, $tasks, $workers, $rigs, $program)
    GROUP BY check_name, rig_id HAVING sum(episodes) > 0
),
by_check AS (
    SELECT
        check_name,
        CAST(sum(episodes) AS BIGINT) AS episodes,
        CAST(sum(failed) AS BIGINT) AS failed,
        hours_of(sum(recorded_ms)) AS affected_h,
        count(rig_id) AS rigs
    FROM by_rig
    GROUP BY check_name
),
every AS (
    SELECT sum(episodes) AS episodes
    FROM counts_in($from_on, $to_on, $sites, $tasks, $workers, $rigs, $program)
)
SELECT
    check_name, by_check.episodes, failed, affected_h,
    by_check.episodes / every.episodes AS share,
    sum(by_check.episodes) OVER (ORDER BY by_check.episodes DESC, check_name)
        / sum(by_check.episodes) OVER () AS cumulative_share,
    rigs
FROM by_check, every
ORDER BY by_check.episodes DESC, check_name
