-- Definition: episodes whose verdict is not good, with their worst flag; worst verdict first,
--   then newest.
-- Unit: seconds on the recording's clock; instants in UTC
-- Grain: one row per episode
-- Parameters: $from_on, $to_on (days, both included), $sites, $tasks, $workers, $rigs (lists of
--   ids, NULL for all), $program (an id, NULL for all), $checks, $verdicts (lists, NULL for
--   all), $limit, $offset (rows)
WITH
chosen_episode AS (
    SELECT id, verdict, started_at
    FROM episodes_in($from_on, $to_on, $sites, $tasks, $workers, $rigs, $program)
    WHERE verdict <> 'good' AND chosen($verdicts, verdict)
        AND ($checks IS NULL OR id IN (
            SELECT episode_id FROM flag WHERE chosen($checks, check_name)))
),
place AS (
    FROM chosen_episode
    ORDER BY rank_of(verdict) DESC, started_at DESC, id DESC
    LIMIT $limit OFFSET $offset
),
page AS (SELECT episode.* FROM episode SEMI JOIN place ON place.id = episode.id),
worst AS (
    SELECT
        flag.*, count(*) OVER (PARTITION BY episode_id) AS flags
    FROM flag SEMI JOIN page ON page.id = flag.episode_id
    QUALIFY row_number() OVER (
        PARTITION BY episode_id
        ORDER BY ($checks IS NULL OR chosen($checks, check_name)) DESC,
            rank_of(grade) DESC, start_s, flag.id) = 1
)
SELECT
    page.id AS episode_id, worked_on, started_at, path, episode_index, site_id, rig_id, worker_id,
    task_id, duration_s, verdict, decision, coalesce(flags, 0) AS flags,
    check_name, grade, stream, start_s, end_s, measured, limit_value, unit, message,
    measurements, is_example
FROM page LEFT JOIN worst ON worst.episode_id = page.id
ORDER BY rank_of(verdict) DESC, started_at DESC, page.id DESC
