-- Definition: paths by state of the intake, for Prometheus.
-- Unit: paths
-- Grain: one row per state; every state is there
-- Parameters: none
WITH
state AS (SELECT unnest(['waiting', 'screening', 'done', 'failed']) AS state),
seen AS (SELECT state, count(*) AS paths FROM landing GROUP BY state)
SELECT state, coalesce(paths, 0) AS paths
FROM state LEFT JOIN seen USING (state)
ORDER BY state
