-- What some episodes add to the table cell (sql/views/15_cell.sql); one row per combination.
-- Parameters: $sign (+1 for what they add now, -1 for what they added before), $ids (NULL for all)
INSERT INTO cell
SELECT
    worked_on, site_id, worker_id, rig_id, task_id, program_id,
    $sign * count(*) AS landed,
    $sign * count(*) FILTER (is_counted) AS episodes,
    $sign * count(*) FILTER (is_counted AND verdict = 'good') AS good,
    $sign * count(*) FILTER (is_counted AND verdict = 'unknown') AS unknown,
    $sign * count(*) FILTER (is_counted AND verdict = 'suspect') AS suspect,
    $sign * count(*) FILTER (is_counted AND verdict = 'fail') AS fail,
    $sign * count(*) FILTER (is_decided) AS decided,
    $sign * count(*) FILTER (is_accepted) AS accepted,
    $sign * sum(recorded_ms) AS recorded_ms,
    $sign * sum(delivered_ms) AS delivered_ms,
    $sign * sum(accepted_ms) AS accepted_ms
FROM episode_hours
WHERE $ids IS NULL OR id IN (SELECT unnest(CAST($ids AS BIGINT[])))
GROUP BY worked_on, site_id, worker_id, rig_id, task_id, program_id
