-- Definition: hours paid, recorded, delivered and accepted by site.
-- Unit: hours
-- Grain: one row per site (NULL: not known)
-- Parameters: $from_on, $to_on (days, both included), $sites, $tasks, $workers, $rigs (lists of
--   ids, NULL for all), $program (an id, NULL for all)
WITH
grouped AS (
    SELECT
        site_id AS id,
        CAST(sum(episodes) AS BIGINT) AS episodes,
        hours_of(sum(paid_ms)) AS paid_h,
        hours_of(sum(recorded_ms)) AS recorded_h,
        hours_of(sum(delivered_ms)) AS delivered_h,
        hours_of(sum(accepted_ms)) AS accepted_h
    FROM hours_in($from_on, $to_on, $sites, $tasks, $workers, $rigs, $program)
    GROUP BY site_id HAVING sum(landed) > 0
)
SELECT
    grouped.id, site.name AS name, episodes, paid_h, recorded_h, delivered_h, accepted_h
FROM grouped LEFT JOIN site ON site.id = grouped.id
ORDER BY accepted_h DESC, grouped.id
