-- Tables of differences, which the mirror keeps itself (sql/derived, dailies/derived.py): whenever
-- episodes or their flags change, rows are added that take out what these added before and put in
-- what they add now. So always sum. They are what a million episodes come down to, in whole
-- numbers, and keep every page's sums quick.

-- Episodes by what they are asked by; one row per combination, and two per episode that changed.
CREATE OR REPLACE TABLE cell (
    worked_on DATE, site_id VARCHAR, worker_id VARCHAR, rig_id VARCHAR, task_id VARCHAR,
    program_id VARCHAR,
    landed BIGINT,      -- episodes, with duplicates
    episodes BIGINT,    -- without duplicates, as everything below
    good BIGINT, unknown BIGINT, suspect BIGINT, fail BIGINT,
    decided BIGINT, accepted BIGINT,
    recorded_ms BIGINT, delivered_ms BIGINT, accepted_ms BIGINT
);

-- What each episode of source, a table with an episode's columns and a sign (+1 or -1), adds to the
-- table cell; one row per episode.
CREATE OR REPLACE MACRO cell_parts(source) AS TABLE
SELECT
    worked_on, site_id, worker_id, rig_id, task_id, program_id,
    sign AS landed,
    if(is_counted, sign, 0) AS episodes,
    if(is_counted AND verdict = 'good', sign, 0) AS good,
    if(is_counted AND verdict = 'unknown', sign, 0) AS unknown,
    if(is_counted AND verdict = 'suspect', sign, 0) AS suspect,
    if(is_counted AND verdict = 'fail', sign, 0) AS fail,
    if(is_decided, sign, 0) AS decided,
    if(is_accepted, sign, 0) AS accepted,
    sign * recorded_ms AS recorded_ms,
    sign * delivered_ms AS delivered_ms,
    sign * accepted_ms AS accepted_ms
FROM with_hours(source);

-- Episodes with a flag of grade suspect or fail, by check; one row per combination, and per change
-- of it. An episode counts once in each of its checks, and is_first in only one of them.
CREATE OR REPLACE TABLE defect (
    worked_on DATE, site_id VARCHAR, worker_id VARCHAR, rig_id VARCHAR, task_id VARCHAR,
    program_id VARCHAR, check_name VARCHAR, is_first BOOLEAN,
    episodes BIGINT,
    failed BIGINT,      -- of them, with a flag of grade fail by this check
    recorded_ms BIGINT
);
