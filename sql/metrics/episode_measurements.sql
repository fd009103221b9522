-- Definition: the stored numbers that sum an episode's streams up.
-- Unit: as each name says
-- Grain: one row per (stream, name)
-- Parameters: $episode_id
WITH
of_episode AS (SELECT id, name FROM stream WHERE episode_id = $episode_id)
SELECT of_episode.name AS stream, measurement.name, value
FROM measurement JOIN of_episode ON of_episode.id = measurement.stream_id
WHERE stream_id BETWEEN (SELECT min(id) FROM of_episode) AND (SELECT max(id) FROM of_episode)
ORDER BY of_episode.name, measurement.name
