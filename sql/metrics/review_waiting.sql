-- Definition: the clips that wait for review, in the order in which they are taken: riskiest
--   verdict first, then the longest waiting; with their worst flag, who holds them now and until when.
-- Unit: seconds; instants in UTC; waited_s from landing to now
-- Grain: one row per episode
-- Parameters: $now (instant, UTC), $sites, $tasks, $workers, $rigs, $checks (lists, NULL for all),
--   $limit, $offset (rows)
WITH
place AS (
    SELECT *,
        CASE verdict WHEN 'fail' THEN 0 WHEN 'suspect' THEN 1 WHEN 'unknown' THEN 2 ELSE 3 END
            AS risk
    FROM waiting
    WHERE chosen($sites, site_id) AND chosen($tasks, task_id) AND chosen($workers, worker_id)
        AND chosen($rigs, rig_id)
        AND ($checks IS NULL OR id IN (
            SELECT episode_id FROM flag WHERE chosen($checks, check_name)))
    ORDER BY risk, landed_at, id
    LIMIT $limit OFFSET $offset
),
worst AS (
    SELECT flag.*, count(*) OVER (PARTITION BY episode_id) AS flags
    FROM flag SEMI JOIN place ON place.id = flag.episode_id
    QUALIFY row_number() OVER (
        PARTITION BY episode_id ORDER BY rank_of(grade) DESC, start_s, flag.id) = 1
),
held AS (SELECT * FROM claim WHERE purpose = 'review' AND expires_at > $now)
SELECT
    place.id AS episode_id, path, episode_index, site_id, rig_id, worker_id, task_id, duration_s,
    verdict, landed_at,
    CAST(epoch_us($now) - epoch_us(landed_at) AS DOUBLE) / 1e6 AS waited_s,
    coalesce(flags, 0) AS flags, check_name, stream, message, reviewer AS held_by,
    expires_at AS held_until, measurements
FROM place
LEFT JOIN worst ON worst.episode_id = place.id
LEFT JOIN held ON held.episode_id = place.id
ORDER BY risk, landed_at, place.id
