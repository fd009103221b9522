-- Definition: shifts of the days that have not ended by $now: a shift counts whole from the day on
--   which it begins. to_come_h are the paid hours still to be worked, by the time that is left of
--   each shift.
-- Unit: shifts; hours
-- Grain: one row per question
-- Parameters: $from_on, $to_on (days, both included), $sites, $workers (lists of ids, NULL for
--   all), $now (instant, UTC)
WITH
running AS (
    SELECT
        CAST(round(paid_s * 1000) AS BIGINT) AS paid_ms,
        least(
            epoch_ms(ended_at - CAST($now AS TIMESTAMP)) / epoch_ms(ended_at - started_at), 1.0
        ) AS left_share
    FROM shift
    WHERE worked_on BETWEEN $from_on AND $to_on
        AND chosen($sites, site_id) AND chosen($workers, worker_id)
        AND ended_at > CAST($now AS TIMESTAMP) AND ended_at > started_at
)
SELECT
    count(*) AS shifts,
    hours_of(coalesce(sum(paid_ms), 0)) AS paid_h,
    hours_of(coalesce(sum(paid_ms * left_share), 0)) AS to_come_h
FROM running
