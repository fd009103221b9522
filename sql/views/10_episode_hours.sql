-- The hours of an episode in the house's words; one row per episode.
-- recorded: what was filmed, each content once. delivered: of that, what landed whole.
-- accepted: of that, what the verdict or the last review accepted. In whole milliseconds, so that
-- sums are exact. is_counted: not a duplicate; only such episodes count in any rate. source names
-- a table with an episode's columns.
CREATE OR REPLACE MACRO with_hours(source) AS TABLE
SELECT
    *,
    duplicate_of IS NULL AS is_counted,
    duplicate_of IS NULL AND decision IS NOT NULL AS is_decided,
    duplicate_of IS NULL AND decision IS NOT DISTINCT FROM 'accepted' AS is_accepted,
    CASE WHEN duplicate_of IS NULL THEN CAST(round(duration_s * 1000) AS BIGINT) ELSE 0 END
        AS recorded_ms,
    CASE WHEN duplicate_of IS NULL AND error IS NULL
        THEN CAST(round(duration_s * 1000) AS BIGINT) ELSE 0 END AS delivered_ms,
    CASE WHEN duplicate_of IS NULL AND error IS NULL AND decision = 'accepted'
        THEN CAST(round(duration_s * 1000) AS BIGINT) ELSE 0 END AS accepted_ms
FROM query_table(source);

CREATE OR REPLACE VIEW episode_hours AS FROM with_hours('episode');

-- The episodes that a page's filter leaves; one row per episode.
CREATE OR REPLACE MACRO episodes_in(from_on, to_on, sites, tasks, workers, rigs, program) AS TABLE
SELECT *
FROM episode_hours
WHERE worked_on BETWEEN from_on AND to_on
    AND chosen(sites, site_id)
    AND chosen(tasks, task_id)
    AND chosen(workers, worker_id)
    AND chosen(rigs, rig_id)
    AND (program IS NULL OR program_id = program);
