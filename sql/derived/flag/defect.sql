-- What the flags that stand add to the table defect (sql/views/15_cell.sql) for the touched
-- episodes of one sign; one row per combination that changes.
-- Parameters: $sign (-1 for what they added before, +1 for what they add now, NULL for both where
--   no flag has changed)
INSERT INTO defect
WITH
affected AS (FROM with_hours('touched') WHERE is_counted AND ($sign IS NULL OR sign = $sign)),
found AS (
    SELECT episode_id, check_name, bool_or(grade = 'fail') AS is_fail
    FROM flag
    WHERE grade IN ('suspect', 'fail') AND episode_id IN (SELECT id FROM affected)
    GROUP BY episode_id, check_name
),
placed AS (
    SELECT *, check_name = min(check_name) OVER (PARTITION BY episode_id) AS is_first FROM found
)
SELECT
    worked_on, site_id, worker_id, rig_id, task_id, program_id, check_name, is_first,
    sum(sign) AS episodes,
    coalesce(sum(sign) FILTER (is_fail), 0) AS failed,
    sum(sign * recorded_ms) AS recorded_ms
FROM placed JOIN affected ON affected.id = placed.episode_id
GROUP BY ALL
HAVING sum(sign) <> 0 OR sum(sign * recorded_ms) <> 0
