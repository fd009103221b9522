-- Definition: where else a check flags (suspect or fail), for the rig, site, task and worker of a
--   clip: its share there and everywhere else, and apart from the clip's own worker (for the worker
--   and the site and task: apart from the clip's own rig), each with its Wilson 95 % interval.
--   others are the other workers there (for the worker: the other rigs), others_flagged those with
--   any flagged clip. Duplicates left out.
-- Unit: clips; shares between 0 and 1
-- Grain: one row per kind (rig, site, task, worker) that the clip names
-- Parameters: $check_name, $from_on, $to_on (days, both included), $rig, $site, $task, $worker
--   (ids, NULL where unknown)
WITH
recorded AS (
    SELECT rig_id, site_id, task_id, worker_id, sum(episodes) AS n
    FROM cell WHERE worked_on BETWEEN $from_on AND $to_on GROUP BY ALL
),
flagged AS (
    SELECT rig_id, site_id, task_id, worker_id, sum(episodes) AS k
    FROM defect
    WHERE worked_on BETWEEN $from_on AND $to_on AND check_name = $check_name
    GROUP BY ALL
),
part AS (
    SELECT recorded.*, coalesce(k, 0) AS k
    FROM recorded
    LEFT JOIN flagged
        ON flagged.rig_id IS NOT DISTINCT FROM recorded.rig_id
        AND flagged.site_id IS NOT DISTINCT FROM recorded.site_id
        AND flagged.task_id IS NOT DISTINCT FROM recorded.task_id
        AND flagged.worker_id IS NOT DISTINCT FROM recorded.worker_id
    WHERE n > 0
),
asked AS (
    SELECT 'rig' AS kind, $rig AS id UNION ALL SELECT 'site', $site
    UNION ALL SELECT 'task', $task UNION ALL SELECT 'worker', $worker
),
placed AS (
    SELECT
        asked.kind, asked.id, n, k,
        CASE asked.kind WHEN 'rig' THEN rig_id WHEN 'site' THEN site_id
            WHEN 'task' THEN task_id ELSE worker_id END IS NOT DISTINCT FROM asked.id AS is_here,
        CASE asked.kind WHEN 'rig' THEN worker_id IS DISTINCT FROM $worker
            ELSE rig_id IS DISTINCT FROM $rig END AS is_apart,
        CASE asked.kind WHEN 'worker' THEN rig_id ELSE worker_id END AS other,
        CASE asked.kind WHEN 'worker' THEN rig_id IS DISTINCT FROM $rig
            ELSE worker_id IS DISTINCT FROM $worker END AS is_other
    FROM part, asked
    WHERE asked.id IS NOT NULL
),
counted AS (
    SELECT
        kind, any_value(id) AS id,
        CAST(coalesce(sum(n) FILTER (is_here), 0) AS BIGINT) AS episodes,
        CAST(coalesce(sum(k) FILTER (is_here), 0) AS BIGINT) AS flagged,
        CAST(coalesce(sum(n) FILTER (is_here AND is_apart), 0) AS BIGINT) AS apart,
        CAST(coalesce(sum(k) FILTER (is_here AND is_apart), 0) AS BIGINT) AS apart_flagged,
        CAST(coalesce(sum(n) FILTER (NOT is_here), 0) AS BIGINT) AS rest,
        CAST(coalesce(sum(k) FILTER (NOT is_here), 0) AS BIGINT) AS rest_flagged,
        count(DISTINCT other) FILTER (is_here AND is_other) AS others,
        count(DISTINCT other) FILTER (is_here AND is_other AND k > 0) AS others_flagged
    FROM placed
    GROUP BY kind
)
SELECT
    kind, id, episodes, flagged, flagged / nullif(episodes, 0) AS share,
    CASE WHEN episodes > 0 THEN wilson_low(flagged, episodes) END AS share_low,
    CASE WHEN episodes > 0 THEN wilson_high(flagged, episodes) END AS share_high,
    apart, apart_flagged,
    CASE WHEN apart > 0 THEN wilson_low(apart_flagged, apart) END AS apart_low,
    CASE WHEN apart > 0 THEN wilson_high(apart_flagged, apart) END AS apart_high,
    rest, rest_flagged, rest_flagged / nullif(rest, 0) AS rest_share,
    CASE WHEN rest > 0 THEN wilson_low(rest_flagged, rest) END AS rest_low,
    CASE WHEN rest > 0 THEN wilson_high(rest_flagged, rest) END AS rest_high,
    others, others_flagged
FROM counted
ORDER BY list_position(['rig', 'site', 'task', 'worker'], kind)
