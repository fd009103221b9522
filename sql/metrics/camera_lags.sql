-- Definition: how late a rig's camera shows its robot by what its pictures show, below 0 early: the
--   median of the episodes that tell it; its 95 % interval by ranks, NULL under 6 that tell; and
--   quarter points, between which half of them lie. Duplicates left out.
-- Unit: ms; episodes
-- Grain: one row per (rig, camera) of which an episode tells
-- Parameters: $from_on, $to_on (days, both included), $sites, $tasks, $workers, $rigs (lists of
--   ids, NULL for all), $program (an id, NULL for all)
WITH
told AS (
    SELECT
        rig_id, max(site_id) AS site_id, name AS camera, count(*) AS episodes,
        list_sort(list(late_ms) FILTER (WHERE late_ms IS NOT NULL)) AS lags_ms
    FROM episodes_in($from_on, $to_on, $sites, $tasks, $workers, $rigs, $program) AS chosen
    JOIN stream ON stream.episode_id = chosen.id
    WHERE is_counted AND kind = 'video'
    GROUP BY rig_id, name
),
-- the ranks that hold a median at 95 % (Conover, Practical Nonparametric Statistics, 3.2)
ranked AS (
    SELECT
        *, len(lags_ms) AS n,
        CAST(floor((len(lags_ms) + 1) / 2 - 0.98 * sqrt(len(lags_ms))) AS BIGINT) AS rank
    FROM told WHERE len(lags_ms) > 0
)
SELECT
    rig_id, site_id, camera, episodes, n AS told,
    list_median(lags_ms) AS late_ms,
    CASE WHEN rank >= 1 THEN lags_ms[rank] END AS late_low_ms,
    CASE WHEN rank >= 1 THEN lags_ms[n + 1 - rank] END AS late_high_ms,
    list_aggregate(lags_ms, 'quantile_cont', 0.25) AS quarter_ms,
    list_aggregate(lags_ms, 'quantile_cont', 0.75) AS three_quarters_ms
FROM ranked
ORDER BY abs(late_ms) DESC, rig_id, camera
