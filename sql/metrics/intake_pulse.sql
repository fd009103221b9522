-- Definition: episodes judged in each of the last minutes, and of them those not good.
-- Unit: episodes
-- Grain: one row per minute, none left out
-- Parameters: $now (instant, UTC), $minutes, $sites, $tasks, $workers, $rigs (lists of ids, NULL
--   for all), $program (an id, NULL for all)
WITH
minute AS (
    SELECT unnest(generate_series(
        date_trunc('minute', CAST($now AS TIMESTAMP)) - to_minutes($minutes - 1),
        date_trunc('minute', CAST($now AS TIMESTAMP)),
        INTERVAL 1 MINUTE)) AS minute_at
),
judged AS (
    SELECT
        date_trunc('minute', judged_at) AS minute_at, count(*) AS episodes,
        count(*) FILTER (verdict <> 'good') AS not_good
    FROM episode
    WHERE judged_at >= date_trunc('minute', CAST($now AS TIMESTAMP)) - to_minutes($minutes - 1)
        AND judged_at <= CAST($now AS TIMESTAMP)
        AND chosen($sites, site_id) AND chosen($tasks, task_id) AND chosen($workers, worker_id)
        AND chosen($rigs, rig_id) AND ($program IS NULL OR program_id = $program)
    GROUP BY 1
)
SELECT minute_at, coalesce(episodes, 0) AS episodes, coalesce(not_good, 0) AS not_good
FROM minute LEFT JOIN judged USING (minute_at)
ORDER BY minute_at
