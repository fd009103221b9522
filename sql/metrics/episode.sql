-- Definition: an episode with what is known of its task, site and rig.
-- Unit: seconds; instants in UTC
-- Grain: one row per episode
-- Parameters: $episode_id
SELECT
    episode.id AS episode_id, content, path, episode_index, format, program_id,
    episode.task_id, task.name AS task, worker_id, episode.site_id, site.name AS site, zone,
    episode.rig_id, camera_model, shift_id, started_at, worked_on, landed_at, judged_at,
    duration_s, expected_s, verdict, policy, decision, decided_at, duplicate_of, error,
    CAST(episode.steps AS VARCHAR) AS steps, CAST(task.steps AS VARCHAR) AS expected_steps,
    measurements, is_example
FROM episode
LEFT JOIN task ON task.id = episode.task_id
LEFT JOIN site ON site.id = episode.site_id
LEFT JOIN rig ON rig.id = episode.rig_id
WHERE episode.id = $episode_id
