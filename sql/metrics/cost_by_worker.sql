-- Definition: what is due to a worker at a site, by basis. Currency NULL: hours that no rate
--   prices. paid_h leaves out hours on shift where accepted hours are paid instead.
-- Unit: money in the currency; hours
-- Grain: one row per (worker, site, currency)
-- Parameters: $from_on, $to_on (days, both included), $sites, $tasks, $workers, $rigs (lists of
--   ids, NULL for all), $program (an id, NULL for all)
SELECT
    worker_id, site_id, currency,
    money_of(sum(units) FILTER (basis = 'paid'), any_value(unit)) AS due_paid,
    money_of(sum(units) FILTER (basis = 'accepted'), any_value(unit)) AS due_accepted,
    money_of(sum(units), any_value(unit)) AS due,
    hours_of(sum(paid_ms)) AS paid_h,
    hours_of(sum(accepted_ms)) AS accepted_h,
    count(DISTINCT worked_on) AS days,
    count(*) AS lines,
    money_an_hour(sum(units), any_value(unit), sum(accepted_ms)) AS per_accepted_hour
FROM due_in($from_on, $to_on, $sites, $tasks, $workers, $rigs, $program)
GROUP BY worker_id, site_id, currency
ORDER BY worker_id, site_id, currency
