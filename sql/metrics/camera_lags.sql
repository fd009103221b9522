-- Definition: how late a rig's camera shows its robot by what its pictures show, below 0 early: the
--   median of the episodes that tell it, each to a whole ms; its 95 % interval by ranks, NULL under
--   6 that tell; and quarter points, between which half of them lie. Duplicates left out.
-- Unit: ms; episodes
-- Grain: one row per (rig, camera) of which an episode tells
-- Parameters: $from_on, $to_on (days, both included), $sites, $tasks, $workers, $rigs (lists of
--   ids, NULL for all), $program (an id, NULL for all)
WITH
-- counted by whole ms: as many rows as there are need not be sorted
counted AS (
    SELECT
        rig_id, max(site_id) AS site_id, name AS camera,
        CAST(round(late_ms) AS BIGINT) AS ms, count(*) AS n
    FROM episodes_in($from_on, $to_on, $sites, $tasks, $workers, $rigs, $program) AS chosen
    JOIN stream ON stream.episode_id = chosen.id
    WHERE is_counted AND kind = 'video' AND rig_id IS NOT NULL
    GROUP BY rig_id, name, ms
),
ranked AS (
    SELECT
        *,
        sum(n) FILTER (ms IS NOT NULL) OVER (PARTITION BY rig_id, camera) AS told,
        sum(n) OVER (PARTITION BY rig_id, camera ORDER BY ms NULLS LAST) AS upto
    FROM counted
),
-- the ranks that hold a median at 95 % (Conover, Practical Nonparametric Statistics, 3.2)
bounded AS (
    SELECT *, floor((told + 1) / 2 - 0.98 * sqrt(told)) AS rank FROM ranked WHERE told > 0
)
SELECT
    rig_id, max(site_id) AS site_id, camera,
    CAST(sum(n) AS BIGINT) AS episodes, CAST(max(told) AS BIGINT) AS told,
    (min(ms) FILTER (upto >= told / 2) + min(ms) FILTER (upto >= told / 2 + 0.5)) / 2 AS late_ms,
    min(ms) FILTER (rank >= 1 AND upto >= rank) AS late_low_ms,
    min(ms) FILTER (rank >= 1 AND upto >= told + 1 - rank) AS late_high_ms,
    min(ms) FILTER (upto >= told / 4) AS quarter_ms,
    min(ms) FILTER (upto >= 3 * told / 4) AS three_quarters_ms
FROM bounded
GROUP BY rig_id, camera
-- by how far it is out of step for sure, so that a lone episode stands below what is known
ORDER BY
    CASE WHEN late_low_ms > 0 THEN late_low_ms WHEN late_high_ms < 0 THEN -late_high_ms ELSE 0 END
        DESC,
    abs(late_ms) DESC, rig_id, camera
