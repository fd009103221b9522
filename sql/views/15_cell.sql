-- Tables of differences, which the mirror keeps itself (sql/derived, dailies/derived.py): whenever
-- episodes or their flags change, rows are added that take out what these added before and put in
-- what they add now. So always sum. They are what a million episodes come down to, in whole
-- numbers, and keep every page's sums quick.

-- Episodes by what they are asked by; one row per combination, and per change of it.
CREATE OR REPLACE TABLE cell (
    worked_on DATE, site_id VARCHAR, worker_id VARCHAR, rig_id VARCHAR, task_id VARCHAR,
    program_id VARCHAR,
    landed BIGINT,      -- episodes, with duplicates
    episodes BIGINT,    -- without duplicates, as everything below
    good BIGINT, unknown BIGINT, suspect BIGINT, fail BIGINT,
    decided BIGINT, accepted BIGINT,
    recorded_ms BIGINT, delivered_ms BIGINT, accepted_ms BIGINT
);

-- Episodes with a flag of grade suspect or fail, by check; one row per combination, and per change
-- of it. An episode counts once in each of its checks, and is_first in only one of them.
CREATE OR REPLACE TABLE defect (
    worked_on DATE, site_id VARCHAR, worker_id VARCHAR, rig_id VARCHAR, task_id VARCHAR,
    program_id VARCHAR, check_name VARCHAR, is_first BOOLEAN,
    episodes BIGINT,
    failed BIGINT,      -- of them, with a flag of grade fail by this check
    recorded_ms BIGINT
);
