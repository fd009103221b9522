-- Definition: how far a target is: accepted hours of its program, promised pro rata of its
--   days, the pace of the last 14 whole days within them and where it leads, with a 95 %
--   prediction interval of a sum of independent days (mean x k +- 1.96 sd sqrt(k + k^2/n)).
-- Unit: hours; hours a day
-- Grain: one row per target begun by $as_of
-- Parameters: $as_of (day), $program (an id, NULL for all)
WITH
promised AS (
    SELECT target.*, program.customer, program.name AS program, task.name AS task
    FROM target
    JOIN program ON program.id = target.program_id
    LEFT JOIN task ON task.id = target.task_id
    WHERE starts_on <= $as_of AND ($program IS NULL OR program_id = $program)
),
worked AS (
    SELECT program_id, task_id, site_id, worked_on, sum(accepted_ms) / 3600000.0 AS accepted_h
    FROM cell
    WHERE worked_on <= $as_of
        AND worked_on >= (SELECT min(starts_on) FROM promised)
        AND program_id IN (SELECT program_id FROM promised)
    GROUP BY ALL
),
by_day AS (
    SELECT promised.id, worked_on, sum(worked.accepted_h) AS accepted_h
    FROM promised JOIN worked
        ON worked.program_id = promised.program_id
        AND (promised.task_id IS NULL OR worked.task_id = promised.task_id)
        AND (promised.site_id IS NULL OR worked.site_id = promised.site_id)
        AND worked_on BETWEEN starts_on AND ends_on
    GROUP BY promised.id, worked_on
),
so_far AS (
    SELECT
        id, sum(accepted_h) AS accepted_h,
        coalesce(sum(accepted_h) FILTER (worked_on < $as_of), 0.0) AS before_today_h
    FROM by_day GROUP BY id
),
recent_day AS (
    SELECT
        id, CAST(unnest(generate_series(
            greatest(starts_on, CAST($as_of AS DATE) - 14),
            least(ends_on, CAST($as_of AS DATE) - 1),
            INTERVAL 1 DAY)) AS DATE) AS worked_on
    FROM promised
),
recent AS (
    SELECT
        id, count(*) AS days,
        avg(coalesce(accepted_h, 0)) AS pace_h,
        stddev_samp(coalesce(accepted_h, 0)) AS sd_h
    FROM recent_day LEFT JOIN by_day USING (id, worked_on)
    GROUP BY id
),
measured AS (
    SELECT
        promised.*,
        coalesce(so_far.accepted_h, 0.0) AS accepted_h,
        coalesce(before_today_h, 0.0) AS before_today_h,
        coalesce(pace_h, 0.0) AS pace_h,
        CASE WHEN days >= 3 THEN pace_h END AS mean_h,
        sd_h, days,
        greatest(0, ends_on - CAST($as_of AS DATE) + 1) AS days_left,
        least(1.0, (CAST($as_of AS DATE) - starts_on + 1) / (ends_on - starts_on + 1)) AS gone
    FROM promised LEFT JOIN so_far USING (id) LEFT JOIN recent USING (id)
),
forecast AS (
    SELECT
        *,
        before_today_h + mean_h * days_left AS end_h,
        1.959964 * sd_h * sqrt(days_left + days_left * days_left / days) AS margin_h,
        ceil(greatest(hours - before_today_h, 0) / nullif(mean_h, 0)) AS days_needed
    FROM measured
)
SELECT
    id AS target_id, program_id, customer, program, task_id, task, site_id, starts_on, ends_on,
    hours AS promised_h,
    round(accepted_h, 6) AS accepted_h,
    round(hours * gone, 6) AS expected_h,
    round(pace_h, 6) AS pace_h,
    days_left,
    round(greatest(hours - before_today_h, 0) / nullif(days_left, 0), 6) AS needed_h,
    CASE WHEN mean_h IS NOT NULL THEN round(greatest(accepted_h, end_h), 6) END AS forecast_h,
    CASE WHEN mean_h IS NOT NULL THEN round(greatest(accepted_h, end_h - margin_h), 6) END AS forecast_low_h,
    CASE WHEN mean_h IS NOT NULL THEN round(greatest(accepted_h, end_h + margin_h), 6) END AS forecast_high_h,
    CASE
        WHEN days_left > 0 AND days_needed <= 3650
        THEN CAST($as_of AS DATE) + CAST(greatest(days_needed - 1, 0) AS INTEGER)
    END AS done_on
FROM forecast
ORDER BY accepted_h / nullif(hours * gone, 0), id
