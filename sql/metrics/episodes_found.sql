-- Definition: episodes whose recording's path holds a text, in upper or lower case; newest first.
-- Unit: seconds
-- Grain: one row per episode
-- Parameters: $text, $limit (rows)
SELECT
    id AS episode_id, path, episode_index, worked_on, site_id, rig_id, worker_id, task_id,
    duration_s
FROM episode
WHERE contains(lower(path), lower($text))
ORDER BY started_at DESC, id DESC
LIMIT $limit
