-- Definition: share of a rig's episodes with a flag of grade suspect or fail; standing compares
--   its Wilson 95 % interval with the share of all.
-- Unit: episodes; shares between 0 and 1
-- Grain: one row per rig
-- Parameters: $from_on, $to_on (days, both included), $sites, $tasks, $workers, $rigs (lists of
--   ids, NULL for all), $program (an id, NULL for all)
WITH
by_rig_check AS (
    SELECT
        rig_id, check_name, sum(episodes) AS found,
        coalesce(sum(episodes) FILTER (is_first), 0) AS first_found
    FROM defects_in($from_on, $to_on, $sites, $tasks, $workers, $rigs, $program)
    GROUP BY rig_id, check_name HAVING sum(episodes) > 0
),
flagged AS (
    SELECT
        rig_id, CAST(sum(first_found) AS BIGINT) AS flagged,
        arg_max(check_name, (found, check_name)) AS top_check
    FROM by_rig_check GROUP BY rig_id
),
by_rig AS (
    SELECT rig_id, max(site_id) AS site_id, CAST(sum(episodes) AS BIGINT) AS episodes
    FROM counts_in($from_on, $to_on, $sites, $tasks, $workers, $rigs, $program)
    GROUP BY rig_id HAVING sum(episodes) > 0
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
)
SELECT
    rig_id, site_id, episodes, flagged, share, share_low, share_high, overall,
    standing_of(share_low, share_high, overall) AS standing, top_check
FROM rated
ORDER BY share_low DESC, share DESC, rig_id
