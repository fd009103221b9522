-- Hours paid, recorded, delivered and accepted.
-- Paid time is a shift's, and a shift is of no task. Where a question is about a task, a rig or a
-- program, a worker's paid time of a day at a site is spread over what was recorded in it, by
-- recorded time; where nothing was, it stands in a part without task and program.

-- Rows of the table cell that a page's filter leaves, to be summed.
CREATE OR REPLACE MACRO counts_in(from_on, to_on, sites, tasks, workers, rigs, program) AS TABLE
SELECT *
FROM cell
WHERE worked_on BETWEEN from_on AND to_on
    AND chosen(sites, site_id)
    AND chosen(tasks, task_id)
    AND chosen(workers, worker_id)
    AND chosen(rigs, rig_id)
    AND (program IS NULL OR program_id = program);

-- The same of the table defect.
CREATE OR REPLACE MACRO defects_in(from_on, to_on, sites, tasks, workers, rigs, program) AS TABLE
SELECT *
FROM defect
WHERE worked_on BETWEEN from_on AND to_on
    AND chosen(sites, site_id)
    AND chosen(tasks, task_id)
    AND chosen(workers, worker_id)
    AND chosen(rigs, rig_id)
    AND (program IS NULL OR program_id = program);

-- What was recorded; one row per (day, site, worker, rig, task, program).
CREATE OR REPLACE MACRO cells_in(from_on, to_on, sites, workers) AS TABLE
SELECT
    worked_on, site_id, worker_id, rig_id, task_id, program_id,
    CAST(sum(episodes) AS BIGINT) AS episodes,
    CAST(sum(decided) AS BIGINT) AS decided,
    CAST(sum(accepted) AS BIGINT) AS accepted,
    CAST(sum(recorded_ms) AS BIGINT) AS recorded_ms,
    CAST(sum(delivered_ms) AS BIGINT) AS delivered_ms,
    CAST(sum(accepted_ms) AS BIGINT) AS accepted_ms
FROM counts_in(from_on, to_on, sites, NULL, workers, NULL, NULL)
GROUP BY ALL HAVING sum(landed) > 0;

-- What was paid; one row per (day, site, worker). rig_id is one of those used.
CREATE OR REPLACE MACRO paid_in(from_on, to_on, sites, workers) AS TABLE
SELECT
    worked_on, site_id, worker_id, min(rig_id) AS rig_id,
    CAST(sum(CAST(round(paid_s * 1000) AS BIGINT)) AS BIGINT) AS paid_ms
FROM shift
WHERE worked_on BETWEEN from_on AND to_on
    AND chosen(sites, site_id) AND chosen(workers, worker_id)
GROUP BY worked_on, site_id, worker_id;

-- Recorded and paid side by side; one row per cell, or per worker's day with nothing recorded.
-- paid_ms is the part of the day's that this row gets; day_paid_ms is the day's.
CREATE OR REPLACE MACRO parts_in(from_on, to_on, sites, tasks, workers, rigs, program) AS TABLE
WITH
cell AS (FROM cells_in(from_on, to_on, sites, workers)),
recorded AS (
    SELECT worked_on, site_id, worker_id, CAST(sum(recorded_ms) AS BIGINT) AS day_recorded_ms
    FROM cell GROUP BY ALL HAVING sum(recorded_ms) > 0
),
day AS (
    SELECT paid.*, day_recorded_ms
    FROM paid_in(from_on, to_on, sites, workers) AS paid
    LEFT JOIN recorded USING (worked_on, site_id, worker_id)
),
part AS (
    SELECT
        cell.*, coalesce(paid_ms * (recorded_ms / day_recorded_ms), 0.0) AS paid_ms
    FROM cell LEFT JOIN day USING (worked_on, site_id, worker_id)
    UNION ALL
    SELECT
        worked_on, site_id, worker_id, rig_id, NULL, NULL, 0, 0, 0, 0, 0, 0,
        CAST(paid_ms AS DOUBLE)
    FROM day WHERE day_recorded_ms IS NULL
)
SELECT *
FROM part
WHERE chosen(tasks, task_id)
    AND chosen(rigs, rig_id)
    AND (program IS NULL OR program_id = program);

-- The hours that a page's filter leaves, to be summed by day, site or worker; many rows per group.
-- A group of which landed adds up to 0 is one that a correction has emptied: leave it out.
-- Paid time is spread only when the filter cuts it: whole it adds up to the same.
CREATE OR REPLACE MACRO hours_in(from_on, to_on, sites, tasks, workers, rigs, program) AS TABLE
SELECT
    worked_on, site_id, worker_id, episodes, decided, accepted,
    0.0 AS paid_ms, recorded_ms, delivered_ms, accepted_ms, landed
FROM counts_in(from_on, to_on, sites, NULL, workers, NULL, NULL)
WHERE tasks IS NULL AND rigs IS NULL AND program IS NULL
UNION ALL
SELECT worked_on, site_id, worker_id, 0, 0, 0, paid_ms, 0, 0, 0, 1
FROM paid_in(from_on, to_on, sites, workers)
WHERE tasks IS NULL AND rigs IS NULL AND program IS NULL
UNION ALL
SELECT
    worked_on, site_id, worker_id, episodes, decided, accepted,
    paid_ms, recorded_ms, delivered_ms, accepted_ms, 1
FROM parts_in(from_on, to_on, sites, tasks, workers, rigs, program)
WHERE tasks IS NOT NULL OR rigs IS NOT NULL OR program IS NOT NULL;
