-- Definition: what is due to a worker at a site, by basis. Currency NULL: hours that no rate
--   prices.
-- Unit: money in the currency; hours
-- Grain: one row per (worker, site, currency)
-- Parameters: $from_on, $to_on (days, both included), $sites, $tasks, $workers, $rigs (lists of
--   ids, NULL for all), $program (an id, NULL for all)
SELECT
    worker_id, site_id, currency,
    CAST(sum(amount) FILTER (basis = 'paid') AS DECIMAL(18, 4)) AS due_paid,
    CAST(sum(amount) FILTER (basis = 'accepted') AS DECIMAL(18, 4)) AS due_accepted,
    CAST(sum(amount) AS DECIMAL(18, 4)) AS due,
    hours_of(sum(paid_ms)) AS paid_h,
    hours_of(sum(accepted_ms)) AS accepted_h,
    count(DISTINCT worked_on) AS days,
    count(*) AS lines,
    CAST(sum(amount) / nullif(sum(accepted_ms) / 3600000.0, 0) AS DECIMAL(18, 4))
        AS per_accepted_hour
FROM due_in($from_on, $to_on, $sites, $tasks, $workers, $rigs, $program)
GROUP BY worker_id, site_id, currency
ORDER BY worker_id, site_id, currency
