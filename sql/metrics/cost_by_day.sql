-- Definition: what is due for a day, by currency. A shift, and every take that began within the
--   shift it names, counts for the day on which the shift began, also after midnight.
-- Unit: money in the currency; hours
-- Grain: one row per (day, currency)
-- Parameters: $from_on, $to_on (days, both included), $sites, $tasks, $workers, $rigs (lists of
--   ids, NULL for all), $program (an id, NULL for all)
SELECT
    worked_on, currency,
    money_of(sum(units), any_value(unit)) AS due,
    hours_of(sum(accepted_ms)) AS accepted_h
FROM due_in($from_on, $to_on, $sites, $tasks, $workers, $rigs, $program)
WHERE currency IS NOT NULL
GROUP BY worked_on, currency
ORDER BY worked_on, currency
