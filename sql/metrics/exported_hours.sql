-- Definition: hours by stage since the record began, for Prometheus. Duplicates count none, nor do
--   shifts that have not begun.
-- Unit: hours
-- Grain: one row per (stage, site); site NULL is unknown
-- Parameters: $now (instant, UTC)
WITH
worked AS (
    SELECT
        site_id, 0 AS paid_ms, recorded_ms, delivered_ms, accepted_ms
    FROM cell
    UNION ALL
    SELECT site_id, CAST(round(paid_s * 1000) AS BIGINT), 0, 0, 0 FROM shift
    WHERE started_at <= CAST($now AS TIMESTAMP)
),
by_site AS (
    SELECT
        site_id,
        hours_of(sum(paid_ms)) AS paid,
        hours_of(sum(recorded_ms)) AS recorded,
        hours_of(sum(delivered_ms)) AS delivered,
        hours_of(sum(accepted_ms)) AS accepted
    FROM worked
    GROUP BY site_id
)
SELECT stage, site_id, hours
FROM by_site
UNPIVOT (hours FOR stage IN (paid, recorded, delivered, accepted))
ORDER BY stage, site_id
