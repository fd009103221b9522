-- What the touched episodes add to the table cell (sql/views/15_cell.sql), and add no longer; one
-- row per combination that changes.
INSERT INTO cell
SELECT
    worked_on, site_id, worker_id, rig_id, task_id, program_id,
    sum(sign) AS landed,
    coalesce(sum(sign) FILTER (is_counted), 0) AS episodes,
    coalesce(sum(sign) FILTER (is_counted AND verdict = 'good'), 0) AS good,
    coalesce(sum(sign) FILTER (is_counted AND verdict = 'unknown'), 0) AS unknown,
    coalesce(sum(sign) FILTER (is_counted AND verdict = 'suspect'), 0) AS suspect,
    coalesce(sum(sign) FILTER (is_counted AND verdict = 'fail'), 0) AS fail,
    coalesce(sum(sign) FILTER (is_decided), 0) AS decided,
    coalesce(sum(sign) FILTER (is_accepted), 0) AS accepted,
    sum(sign * recorded_ms) AS recorded_ms,
    sum(sign * delivered_ms) AS delivered_ms,
    sum(sign * accepted_ms) AS accepted_ms
FROM with_hours('touched')
GROUP BY worked_on, site_id, worker_id, rig_id, task_id, program_id
