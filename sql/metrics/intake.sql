-- Definition: the intake: lag from landed whole to judged of the last minutes, within the filter;
--   and the queue as it stands, of all places, since nobody knows yet whose a waiting path is. What
--   failed is damaged or not to be read; it has a verdict too, and is among the judged of its time.
-- Unit: seconds, paths
-- Grain: one row per record
-- Parameters: $now (instant, UTC), $minutes, $sites, $tasks, $workers, $rigs (lists of ids, NULL
--   for all), $program (an id, NULL for all)
WITH
lags AS (
    SELECT
        count(*) AS judged,
        quantile_cont(epoch(judged_at - landed_at), 0.5) AS lag_p50_s,
        quantile_cont(epoch(judged_at - landed_at), 0.95) AS lag_p95_s
    FROM episode
    WHERE judged_at > CAST($now AS TIMESTAMP) - to_minutes($minutes)
        AND judged_at <= CAST($now AS TIMESTAMP)
        AND chosen($sites, site_id) AND chosen($tasks, task_id) AND chosen($workers, worker_id)
        AND chosen($rigs, rig_id) AND ($program IS NULL OR program_id = $program)
),
queue AS (
    SELECT
        count(*) FILTER (state = 'waiting') AS waiting,
        count(*) FILTER (state = 'screening') AS screening,
        count(*) FILTER (state = 'failed') AS failed,
        epoch(CAST($now AS TIMESTAMP) - min(seen_at) FILTER (state = 'waiting'))
            AS oldest_waiting_s
    FROM landing
)
SELECT judged, lag_p50_s, lag_p95_s, waiting, screening, failed, oldest_waiting_s
FROM lags, queue
