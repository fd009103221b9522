-- Definition: what is due, by currency, and the hours behind it. Currency NULL: hours that no rate
--   prices. paid_h leaves out hours on shift where accepted hours are paid instead.
-- Unit: money in the currency; hours
-- Grain: one row per currency
-- Parameters: $from_on, $to_on (days, both included), $sites, $tasks, $workers, $rigs (lists of
--   ids, NULL for all), $program (an id, NULL for all)
SELECT
    currency,
    money_of(sum(units), any_value(unit)) AS due,
    hours_of(sum(paid_ms)) AS paid_h,
    hours_of(sum(accepted_ms)) AS accepted_h,
    money_an_hour(sum(units), any_value(unit), sum(accepted_ms)) AS per_accepted_hour,
    count(DISTINCT worker_id) AS workers
FROM due_in($from_on, $to_on, $sites, $tasks, $workers, $rigs, $program)
GROUP BY currency
ORDER BY currency NULLS LAST
