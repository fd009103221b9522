-- Definition: time from landed whole to judged, for Prometheus, as a cumulative histogram.
-- Unit: seconds (bound and sum_s), episodes
-- Grain: one row per upper bound; the last one (NULL) is without bound
-- Parameters: none
WITH
bound AS (
    SELECT unnest([1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, NULL])
        AS bound_s
),
lag AS (
    SELECT
        greatest(0, epoch(judged_at - landed_at)) AS lag_s
    FROM episode
),
binned AS (
    SELECT
        CASE
            WHEN lag_s <= 1 THEN 1.0 WHEN lag_s <= 2 THEN 2.0 WHEN lag_s <= 5 THEN 5.0
            WHEN lag_s <= 10 THEN 10.0 WHEN lag_s <= 30 THEN 30.0 WHEN lag_s <= 60 THEN 60.0
            WHEN lag_s <= 300 THEN 300.0 WHEN lag_s <= 900 THEN 900.0
            WHEN lag_s <= 3600 THEN 3600.0 END AS bound_s,
        count(*) AS episodes, sum(lag_s) AS sum_s
    FROM lag
    GROUP BY 1
)
SELECT
    CAST(bound.bound_s AS DOUBLE) AS bound_s,
    CAST(coalesce(sum(episodes) OVER upto, 0) AS BIGINT) AS episodes,
    coalesce(sum(sum_s) OVER upto, 0.0) AS sum_s
FROM bound LEFT JOIN binned ON binned.bound_s IS NOT DISTINCT FROM bound.bound_s
WINDOW upto AS (ORDER BY bound.bound_s NULLS LAST)
ORDER BY bound.bound_s NULLS LAST
