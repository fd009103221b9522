-- Definition: what waits for reviewers now. Waiting clips are those without a decision; risky ones
--   have the verdict suspect or fail; a wait counts from landing.
-- Unit: clips; hours of recording; seconds
-- Grain: one row per filter
-- Parameters: $now (instant, UTC), $sites, $tasks, $workers, $rigs, $checks (lists, NULL for all)
WITH
chosen_clip AS (
    SELECT *
    FROM waiting
    WHERE chosen($sites, site_id) AND chosen($tasks, task_id) AND chosen($workers, worker_id)
        AND chosen($rigs, rig_id)
        AND ($checks IS NULL OR id IN (
            SELECT episode_id FROM flag WHERE chosen($checks, check_name)))
),
clip AS (
    SELECT
        count(*) AS waiting,
        count(*) FILTER (verdict IN ('suspect', 'fail')) AS risky,
        hours_of(sum(duration_s * 1000)) AS waiting_h,
        CAST(epoch_us($now) - epoch_us(min(landed_at)) AS DOUBLE) / 1e6 AS oldest_s
    FROM chosen_clip
),
held AS (
    SELECT count(*) AS claimed, count(DISTINCT reviewer) AS reviewers
    FROM claim WHERE expires_at > $now
),
appealed AS (
    SELECT count(*) AS appeals, count(*) FILTER (due_at < $now) AS overdue
    FROM appeal WHERE state = 'open'
),
looked AS (SELECT count(*) AS second_looks FROM second_look WHERE done_at IS NULL),
sampled AS (SELECT count(*) AS samples FROM lot_item WHERE review_id IS NULL),
kept AS (SELECT count(*) AS held_rejections FROM review_standing WHERE is_waiting)
SELECT
    waiting, risky, waiting_h, oldest_s, claimed, reviewers, appeals, overdue, second_looks,
    samples, held_rejections
FROM clip, held, appealed, looked, sampled, kept
