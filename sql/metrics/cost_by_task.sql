-- Definition: what an accepted hour costs, by task. Currency NULL: hours that no rate prices.
-- Unit: money in the currency; hours
-- Grain: one row per (task, currency)
-- Parameters: $from_on, $to_on (days, both included), $sites, $tasks, $workers, $rigs (lists of
--   ids, NULL for all), $program (an id, NULL for all)
WITH
grouped AS (
    SELECT
        task_id AS id, currency,
        CAST(sum(amount) AS DECIMAL(18, 4)) AS due,
        hours_of(sum(paid_ms)) AS paid_h,
        hours_of(sum(accepted_ms)) AS accepted_h,
        CAST(sum(amount) / nullif(sum(accepted_ms) / 3600000.0, 0) AS DECIMAL(18, 4))
            AS per_accepted_hour
    FROM (SELECT *, money_of(units, currency) AS amount
        FROM pay_parts_in($from_on, $to_on, $sites, $tasks, $workers, $rigs, $program))
    GROUP BY task_id, currency
)
SELECT grouped.id, task.name, grouped.currency, due, paid_h, accepted_h, per_accepted_hour
FROM grouped LEFT JOIN task ON task.id = grouped.id
ORDER BY grouped.id, grouped.currency
