-- Definition: escape rate: machine-accepted clips in inspected samples that a reviewer rejected, of
--   all inspected, with its Wilson 95 % interval. Site NULL: all sites together.
-- Unit: clips; shares between 0 and 1
-- Grain: one row per site, and one for all
-- Parameters: $from_on, $to_on (days of the recording, both included), $sites (ids, NULL for all)
WITH
inspected AS (
    SELECT lot.site_id, is_rejection, lot.id
    FROM lot_item
    JOIN lot ON lot.id = lot_id
    JOIN review_standing ON review_standing.id = lot_item.review_id
    WHERE lot.worked_on BETWEEN $from_on AND $to_on AND chosen($sites, lot.site_id)
),
counted AS (
    SELECT
        site_id, count(DISTINCT id) AS lots, count(*) AS inspected,
        count(*) FILTER (is_rejection) AS escaped
    FROM inspected
    GROUP BY GROUPING SETS ((site_id), ())
    HAVING count(*) > 0
)
SELECT
    site_id, lots, inspected, escaped, escaped / inspected AS escape_rate,
    wilson_low(escaped, inspected) AS escape_low, wilson_high(escaped, inspected) AS escape_high
FROM counted
ORDER BY site_id NULLS FIRST
