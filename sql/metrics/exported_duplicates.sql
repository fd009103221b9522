-- Definition: episodes whose content was there before, for Prometheus.
-- Unit: episodes
-- Grain: one row per record
-- Parameters: none
SELECT CAST(coalesce(sum(landed) - sum(episodes), 0) AS BIGINT) AS duplicates FROM cell
