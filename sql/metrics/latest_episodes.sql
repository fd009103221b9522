-- Definition: the episodes judged last, with their worst flag.
-- Unit: seconds; instants in UTC; lag_s from landed whole to judged
-- Grain: one row per episode
-- Parameters: $limit (rows), $sites, $tasks, $workers, $rigs (lists of ids, NULL for all),
--   $program (an id, NULL for all)
WITH
latest AS (
    FROM episode
    WHERE chosen($sites, site_id) AND chosen($tasks, task_id) AND chosen($workers, worker_id)
        AND chosen($rigs, rig_id) AND ($program IS NULL OR program_id = $program)
    ORDER BY judged_at DESC, id DESC
    LIMIT $limit
),
worst AS (
    SELECT episode_id, check_name, message
    FROM flag SEMI JOIN latest ON flag.episode_id = latest.id
    QUALIFY row_number() OVER (
        PARTITION BY episode_id ORDER BY rank_of(grade) DESC, start_s, flag.id) = 1
)
SELECT
    latest.id AS episode_id, path, episode_index, site_id, rig_id, worker_id, task_id, verdict,
    decision, duration_s, landed_at, judged_at,
    epoch(judged_at - landed_at) AS lag_s,
    worst.check_name AS flag_check, worst.message AS flag_message, measurements,
    duplicate_of IS NOT NULL AS is_duplicate, is_example
FROM latest LEFT JOIN worst ON worst.episode_id = latest.id
ORDER BY judged_at DESC, latest.id DESC
