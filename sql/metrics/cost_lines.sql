-- Definition: the lines behind every amount; parts of lines where the filter cuts by task, rig
--   or program.
-- Unit: hours; money in the currency
-- Grain: one row per pay line, or part of one
-- Parameters: $from_on, $to_on (days, both included), $sites, $tasks, $workers, $rigs (lists of
--   ids, NULL for all), $program (an id, NULL for all)
SELECT
    worker_id, site_id, worked_on, basis, unpriced, task_id, program_id, rig_id,
    hours_of(CASE WHEN basis = 'paid' OR unpriced = 'paid' THEN paid_ms ELSE accepted_ms END)
        AS hours,
    rate, currency, money_of(units, unit) AS amount
FROM due_in($from_on, $to_on, $sites, $tasks, $workers, $rigs, $program)
ORDER BY worked_on, worker_id, site_id, basis, task_id, program_id, rig_id
