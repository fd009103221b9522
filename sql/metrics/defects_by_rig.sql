-- Definition: share of a rig's episodes with a flag of grade suspect or fail; standing compares
--   its Wilson 95 % interval with the share of all.
-- Unit: episodes; shares between 0 and 1
-- Grain: one row per rig
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
by_rig_check AS (
    SELECT rig_id, check_name, count(*) AS found
    FROM found JOIN chosen_episode ON chosen_episode.id = found.episode_id
    GROUP BY rig_id, check_name
),
top AS (
    SELECT rig_id, check_name AS top_check FROM by_rig_check
    QUALIFY row_number() OVER (PARTITION BY rig_id ORDER BY found DESC, check_name) = 1
),
flagged AS (
    SELECT rig_id, count(*) AS flagged
    FROM chosen_episode SEMI JOIN found ON found.episode_id = chosen_episode.id
    GROUP BY rig_id
),
by_rig AS (
    SELECT rig_id, arg_max(site_id, id) AS site_id, count(*) AS episodes
    FROM chosen_episode GROUP BY rig_id
),
rated AS (
    SELECT
        by_rig.rig_id, by_rig.site_id, episodes, coalesce(flagged, 0) AS flagged,
        coalesce(flagged, 0) / episodes AS share,
        wilson_low(coalesce(flagged, 0), episodes) AS share_low,
        wilson_high(coalesce(flagged, 0), episodes) AS share_high,
        sum(coalesce(flagged, 0)) OVER () / sum(episodes) OVER () AS overall,
        top_check
    FROM by_rig
    LEFT JOIN flagged ON flagged.rig_id IS NOT DISTINCT FROM by_rig.rig_id
    LEFT JOIN top ON top.rig_id IS NOT DISTINCT FROM by_rig.rig_id
)
SELECT
    rig_id, site_id, episodes, flagged, share, share_low, share_high, overall,
    standing_of(share_low, share_high, overall) AS standing, top_check
FROM rated
ORDER BY share_low DESC, share DESC, rig_id
