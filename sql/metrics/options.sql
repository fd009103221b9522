-- Definition: everything to filter by: what is registered, and what only an episode names.
-- Unit: -
-- Grain: one row per (kind, id)
-- Parameters: none
WITH
registered AS (
    SELECT 'site' AS kind, id, name FROM site
    UNION ALL SELECT 'task', id, name FROM task
    UNION ALL SELECT 'program', id, name FROM program
    UNION ALL SELECT 'worker', id, id FROM worker
    UNION ALL SELECT 'rig', id, id FROM rig
),
seen AS (
    SELECT DISTINCT 'site' AS kind, site_id AS id FROM cell
    UNION ALL SELECT DISTINCT 'task', task_id FROM cell
    UNION ALL SELECT DISTINCT 'program', program_id FROM cell
    UNION ALL SELECT DISTINCT 'worker', worker_id FROM cell
    UNION ALL SELECT DISTINCT 'rig', rig_id FROM cell
),
everything AS (
    SELECT kind, id, name FROM registered
    UNION ALL
    SELECT kind, id, id FROM seen ANTI JOIN registered USING (kind, id) WHERE id IS NOT NULL
)
SELECT kind, id, name FROM everything ORDER BY kind, name, id
