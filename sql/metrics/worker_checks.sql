-- Definition: for each worker the check that flagged most of their clips (suspect or fail), and the
--   rig on which it flagged most of those: where to look for a cause before the worker is blamed.
-- Unit: clips; duplicates left out
-- Grain: one row per worker with a flagged clip
-- Parameters: $from_on, $to_on (days, both included), $sites, $tasks, $workers, $rigs (lists of
--   ids, NULL for all), $program (an id, NULL for all)
WITH
by_rig AS (
    SELECT worker_id, check_name, rig_id, sum(episodes) AS flagged
    FROM defects_in($from_on, $to_on, $sites, $tasks, $workers, $rigs, $program)
    WHERE worker_id IS NOT NULL
    GROUP BY ALL HAVING sum(episodes) > 0
),
by_check AS (
    SELECT
        worker_id, check_name, arg_max(rig_id, flagged) AS rig_id,
        CAST(sum(flagged) AS BIGINT) AS flagged, CAST(max(flagged) AS BIGINT) AS on_rig
    FROM by_rig GROUP BY worker_id, check_name
)
SELECT worker_id, check_name, rig_id, flagged, on_rig
FROM by_check
QUALIFY row_number() OVER (PARTITION BY worker_id ORDER BY flagged DESC, check_name) = 1
ORDER BY flagged DESC, worker_id
