-- Definition: the lines behind every amount; parts of lines where the filter cuts by task, rig
--   or program. The amount of a whole line is milliseconds x rate / 3,600,000, rounded once, half
--   up, to the currency's smallest unit.
-- Unit: milliseconds, and the same in hours; money in the currency
-- Grain: one row per pay line, or part of one
-- Parameters: $from_on, $to_on (days, both included), $sites, $tasks, $workers, $rigs (lists of
--   ids, NULL for all), $program (an id, NULL for all)
WITH
due AS (
    SELECT
        *, CASE WHEN basis = 'paid' OR unpriced = 'paid' THEN paid_ms ELSE accepted_ms END AS ms
    FROM due_in($from_on, $to_on, $sites, $tasks, $workers, $rigs, $program)
)
SELECT
    worker_id, site_id, worked_on, basis, unpriced, task_id, program_id, rig_id,
    CAST(round(ms) AS BIGINT) AS milliseconds, hours_of(ms) AS hours,
    rate, currency, money_of(units, unit) AS amount
FROM due
ORDER BY worked_on, worker_id, site_id, basis, task_id, program_id, rig_id
