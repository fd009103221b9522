-- Definition: the streams of an episode, videos first.
-- Unit: samples, Hz, seconds
-- Grain: one row per stream
-- Parameters: $episode_id
SELECT
    id AS stream_id, name, kind, sample_count, rate_hz, file, file_start_s, file_end_s
FROM stream
WHERE episode_id = $episode_id
ORDER BY kind <> 'video', name, id
