-- The table cell (sql/views/15_cell.sql) from all episodes; one row per combination.
INSERT INTO cell
SELECT
    worked_on, site_id, worker_id, rig_id, task_id, program_id,
    sum(COLUMNS(* EXCLUDE (worked_on, site_id, worker_id, rig_id, task_id, program_id)))
FROM cell_parts('touched')
GROUP BY worked_on, site_id, worker_id, rig_id, task_id, program_id
