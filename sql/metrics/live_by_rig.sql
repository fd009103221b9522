-- Definition: what landed in the last minutes by rig: verdicts of what is no duplicate, and the
--   duplicates; recorded hours (duplicates count none).
-- Unit: episodes, hours
-- Grain: one row per rig
-- Parameters: $now (instant, UTC), $minutes, $sites, $tasks, $workers, $rigs (lists of ids, NULL
--   for all), $program (an id, NULL for all)
SELECT
    rig_id AS place_id,
    count(*) AS landed,
    count(*) FILTER (is_counted AND verdict = 'good') AS good,
    count(*) FILTER (is_counted AND verdict = 'unknown') AS unknown,
    count(*) FILTER (is_counted AND verdict = 'suspect') AS suspect,
    count(*) FILTER (is_counted AND verdict = 'fail') AS fail,
    count(*) FILTER (NOT is_counted) AS duplicates,
    hours_of(sum(recorded_ms)) AS recorded_h,
    max(landed_at) AS last_landed_at
FROM episode_hours
WHERE landed_at > CAST($now AS TIMESTAMP) - to_minutes($minutes)
    AND landed_at <= CAST($now AS TIMESTAMP)
    AND chosen($sites, site_id) AND chosen($tasks, task_id) AND chosen($workers, worker_id)
    AND chosen($rigs, rig_id) AND ($program IS NULL OR program_id = $program)
GROUP BY rig_id
ORDER BY landed DESC, place_id
