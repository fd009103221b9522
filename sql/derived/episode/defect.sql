-- What some episodes add to the table defect (sql/views/15_cell.sql); one row per combination.
-- Parameters: $sign (+1 for what they add now, -1 for what they added before), $ids (NULL for all)
INSERT INTO defect
WITH
found AS (
    SELECT episode_id, check_name, bool_or(grade = 'fail') AS is_fail
    FROM flag
    WHERE grade IN ('suspect', 'fail')
        AND ($ids IS NULL OR episode_id IN (SELECT unnest(CAST($ids AS BIGINT[]))))
    GROUP BY episode_id, check_name
),
placed AS (
    SELECT *, check_name = min(check_name) OVER (PARTITION BY episode_id) AS is_first FROM found
)
SELECT
    worked_on, site_id, worker_id, rig_id, task_id, program_id, check_name, is_first,
    $sign * count(*) AS episodes,
    $sign * count(*) FILTER (is_fail) AS failed,
    $sign * sum(recorded_ms) AS recorded_ms
FROM placed JOIN episode_hours ON episode_hours.id = placed.episode_id
WHERE is_counted
GROUP BY ALL
