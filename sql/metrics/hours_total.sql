-- Definition: hours paid, recorded, delivered and accepted of a span and of the one before it,
--   which is NULL where the record begins later than that.
-- Unit: hours
-- Grain: one row per filter
-- Parameters: $from_on, $to_on (days, both included), $sites, $tasks, $workers, $rigs (lists of
--   ids, NULL for all), $program (an id, NULL for all), $before_from_on, $before_to_on
WITH
first_day AS (
    SELECT least((SELECT min(worked_on) FROM episode), (SELECT min(worked_on) FROM shift)) AS day
),
now AS (
    SELECT
        CAST(coalesce(sum(episodes), 0) AS BIGINT) AS episodes,
        hours_of(sum(paid_ms)) AS paid_h,
        hours_of(sum(recorded_ms)) AS recorded_h,
        hours_of(sum(delivered_ms)) AS delivered_h,
        hours_of(sum(accepted_ms)) AS accepted_h
    FROM hours_in($from_on, $to_on, $sites, $tasks, $workers, $rigs, $program)
),
before AS (
    SELECT
        hours_of(sum(paid_ms)) AS paid_h,
        hours_of(sum(recorded_ms)) AS recorded_h,
        hours_of(sum(delivered_ms)) AS delivered_h,
        hours_of(sum(accepted_ms)) AS accepted_h
    FROM hours_in($before_from_on, $before_to_on, $sites, $tasks, $workers, $rigs, $program)
)
SELECT
    now.episodes, now.paid_h, now.recorded_h, now.delivered_h, now.accepted_h,
    CASE WHEN day <= $before_from_on THEN before.paid_h END AS before_paid_h,
    CASE WHEN day <= $before_from_on THEN before.recorded_h END AS before_recorded_h,
    CASE WHEN day <= $before_from_on THEN before.delivered_h END AS before_delivered_h,
    CASE WHEN day <= $before_from_on THEN before.accepted_h END AS before_accepted_h
FROM now, before, first_day
