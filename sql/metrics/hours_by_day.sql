-- Definition: hours paid, recorded, delivered and accepted a day. A shift, and every take that
--   began within the shift it names, counts for the day on which the shift began.
-- Unit: hours
-- Grain: one row per day of the span, none left out
-- Parameters: $from_on, $to_on (days, both included), $sites, $tasks, $workers, $rigs (lists of
--   ids, NULL for all), $program (an id, NULL for all)
WITH
day AS (
    SELECT CAST(unnest(generate_series($from_on, $to_on, INTERVAL 1 DAY)) AS DATE) AS worked_on
),
worked AS (
    SELECT
        worked_on, sum(episodes) AS episodes, sum(paid_ms) AS paid_ms,
        sum(recorded_ms) AS recorded_ms, sum(delivered_ms) AS delivered_ms,
        sum(accepted_ms) AS accepted_ms
    FROM hours_in($from_on, $to_on, $sites, $tasks, $workers, $rigs, $program)
    GROUP BY worked_on
)
SELECT
    worked_on,
    CAST(coalesce(episodes, 0) AS BIGINT) AS episodes,
    hours_of(paid_ms) AS paid_h,
    hours_of(recorded_ms) AS recorded_h,
    hours_of(delivered_ms) AS delivered_h,
    hours_of(accepted_ms) AS accepted_h
FROM day LEFT JOIN worked USING (worked_on)
ORDER BY worked_on
