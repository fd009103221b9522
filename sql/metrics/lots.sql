-- Definition: lots of machine-accepted clips and what their samples showed, latest day first.
-- Unit: clips; aql in percent
-- Grain: one row per lot
-- Parameters: $from_on, $to_on (days of the recording, both included), $sites (ids, NULL for all)
SELECT
    lot.id AS lot_id, site_id, worked_on, size, aql, severity, letter, sample_size, accept, reject,
    count(lot_item.review_id) AS inspected,
    count(*) FILTER (review.decision <> 'accepted') AS found, state, closed_at
FROM lot
LEFT JOIN lot_item ON lot_item.lot_id = lot.id
LEFT JOIN review ON review.id = lot_item.review_id
WHERE worked_on BETWEEN $from_on AND $to_on AND chosen($sites, site_id)
GROUP BY ALL
ORDER BY worked_on DESC, site_id
