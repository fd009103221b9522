-- Definition: what becomes of a worker's hours; acceptance is accepted of decided episodes,
--   duplicates apart. standing compares its Wilson 95 % interval with the rate of all, chosen or
--   not; rank only where the interval overlaps with no other.
-- Unit: hours; shares between 0 and 1
-- Grain: one row per worker with a shift or an episode
-- Parameters: $from_on, $to_on (days, both included), $sites, $tasks, $workers, $rigs (lists of
--   ids, NULL for all), $program (an id, NULL for all)
WITH
by_site AS (
    SELECT
        worker_id, site_id,
        sum(episodes) AS episodes, sum(decided) AS decided, sum(accepted) AS accepted,
        sum(paid_ms) AS paid_ms, sum(recorded_ms) AS recorded_ms,
        sum(delivered_ms) AS delivered_ms, sum(accepted_ms) AS accepted_ms
    FROM hours_in($from_on, $to_on, $sites, $tasks, NULL, $rigs, $program)
    WHERE worker_id IS NOT NULL
    GROUP BY worker_id, site_id HAVING sum(landed) > 0
),
by_worker AS (
    SELECT
        worker_id,
        arg_max(site_id, recorded_ms) AS site_id,
        CAST(sum(episodes) AS BIGINT) AS episodes,
        CAST(sum(decided) AS BIGINT) AS decided,
        CAST(sum(accepted) AS BIGINT) AS accepted,
        hours_of(sum(paid_ms)) AS paid_h,
        hours_of(sum(recorded_ms)) AS recorded_h,
        hours_of(sum(delivered_ms)) AS delivered_h,
        hours_of(sum(accepted_ms)) AS accepted_h
    FROM by_site
    GROUP BY worker_id
),
rated AS (
    SELECT
        *,
        accepted / nullif(decided, 0) AS acceptance,
        CASE WHEN decided > 0 THEN wilson_low(accepted, decided) END AS acceptance_low,
        CASE WHEN decided > 0 THEN wilson_high(accepted, decided) END AS acceptance_high,
        sum(accepted) OVER () / nullif(sum(decided) OVER (), 0) AS overall
    FROM by_worker
),
placed AS (
    SELECT
        *,
        row_number() OVER best AS place,
        min(acceptance_low) OVER (best ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
            AS lowest_of_better,
        max(acceptance_high) OVER (best ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING)
            AS highest_of_worse
    FROM rated
    WINDOW best AS (ORDER BY acceptance DESC NULLS LAST, decided DESC, worker_id)
)
SELECT
    worker_id, site_id, paid_h, recorded_h, delivered_h, accepted_h,
    accepted_h / nullif(paid_h, 0) AS yield_share,
    episodes, decided, accepted, acceptance, acceptance_low, acceptance_high, overall,
    standing_of(acceptance_low, acceptance_high, overall) AS standing,
    CASE
        WHEN acceptance_high < coalesce(lowest_of_better, 2)
            AND acceptance_low > coalesce(highest_of_worse, -1) THEN place
    END AS rank
FROM placed
WHERE chosen($workers, worker_id)
ORDER BY place
