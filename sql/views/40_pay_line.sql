-- What is due. A pay line is one worker, site, day, basis and, for basis accepted, task. Its amount
-- is rounded once, half up, to the currency's smallest unit; every total is a sum of lines.
-- basis paid: the day's paid hours x the site's paid rate of that day.
-- basis accepted: accepted hours x the accepted rate of that day, the task's own before the site's.
-- basis none: hours that nothing prices (unpriced says which): paid hours where the site has no
-- rate at all that day; accepted hours with no accepted rate and no priced paid time that day.
-- accepted_ms of a paid line are those that no accepted rate prices, so that an accepted hour
-- stands in one line only.

-- Lines and their parts are kept as tables, for a page asks for them six times over: days that
-- changed are settled anew (sql/settled, dailies/settled.py) before the next question that names
-- one of the two.

-- One row per pay line.
CREATE OR REPLACE TABLE pay_line (
    worker_id VARCHAR, site_id VARCHAR, worked_on DATE, basis VARCHAR, unpriced VARCHAR,
    task_id VARCHAR, rig_id VARCHAR,
    paid_ms BIGINT, accepted_ms BIGINT,
    rate DECIMAL(18, 4), currency VARCHAR, unit BIGINT, units BIGINT
);

-- One row per part of a pay line, which is one task, program and rig.
CREATE OR REPLACE TABLE pay_part (
    worker_id VARCHAR, site_id VARCHAR, worked_on DATE, basis VARCHAR, unpriced VARCHAR,
    task_id VARCHAR, program_id VARCHAR, rig_id VARCHAR,
    paid_ms DOUBLE, accepted_ms BIGINT,
    rate DECIMAL(18, 4), currency VARCHAR, unit BIGINT, units BIGINT
);

-- Whether a day is one of these; NULL means every day.
CREATE OR REPLACE MACRO is_on(days, day) AS
    day IS NOT NULL AND (days IS NULL OR list_contains(CAST(days AS DATE[]), day));

-- Whether a line is paid, or would be, for time on shift; else for accepted hours.
CREATE OR REPLACE MACRO is_by_time(basis, unpriced) AS
    basis = 'paid' OR unpriced IS NOT DISTINCT FROM 'paid';

-- One row per worker's day and task, with the rate that prices its accepted time.
CREATE OR REPLACE MACRO priced_on(days) AS TABLE
WITH
cell AS (
    SELECT
        worked_on, site_id, worker_id, task_id,
        CAST(sum(accepted_ms) AS BIGINT) AS accepted_ms
    FROM cell WHERE is_on(days, worked_on)
    GROUP BY ALL HAVING sum(accepted_ms) > 0
)
SELECT
    cell.*,
    coalesce(special.amount, general.amount) AS rate,
    coalesce(special.currency, general.currency) AS currency,
    coalesce(special.unit, general.unit) AS unit,
    coalesce(special.hourly, general.hourly) AS hourly
FROM cell
LEFT JOIN rate_span AS special
    ON special.basis = 'accepted' AND special.site_id = cell.site_id
    AND special.task_id = cell.task_id
    AND cell.worked_on >= special.starts_on AND cell.worked_on < special.next_starts_on
LEFT JOIN rate_span AS general
    ON general.basis = 'accepted' AND general.site_id = cell.site_id
    AND general.task_id IS NULL
    AND cell.worked_on >= general.starts_on AND cell.worked_on < general.next_starts_on;

-- What pay_line has for some days; one row per pay line.
CREATE OR REPLACE MACRO pay_lines_on(days) AS TABLE
WITH
priced AS (FROM priced_on(days)),
unpriced AS (
    SELECT worked_on, site_id, worker_id, CAST(sum(accepted_ms) AS BIGINT) AS accepted_ms
    FROM priced WHERE rate IS NULL GROUP BY ALL
),
paid AS (
    SELECT day.*, price.amount AS rate, price.currency, price.unit, price.hourly
    FROM paid_in('-infinity', 'infinity', NULL, NULL) AS day
    LEFT JOIN rate_span AS price
        ON price.basis = 'paid' AND price.site_id = day.site_id AND price.task_id IS NULL
        AND day.worked_on >= price.starts_on AND day.worked_on < price.next_starts_on
    WHERE paid_ms > 0 AND is_on(days, day.worked_on)
),
by_piece AS (
    SELECT site_id, min(starts_on) AS starts_on FROM rate WHERE basis = 'accepted' GROUP BY site_id
),
line AS (
    SELECT
        worker_id, site_id, worked_on, 'accepted' AS basis, NULL AS unpriced, task_id,
        NULL AS rig_id, 0 AS paid_ms, accepted_ms, rate, currency, unit,
        units_due(hourly, accepted_ms, unit) AS units
    FROM priced WHERE rate IS NOT NULL
    UNION ALL
    SELECT
        worker_id, site_id, worked_on, 'paid', NULL, NULL, rig_id,
        paid_ms, coalesce(unpriced.accepted_ms, 0), rate, currency, unit,
        units_due(hourly, paid_ms, unit)
    FROM paid LEFT JOIN unpriced USING (worked_on, site_id, worker_id)
    WHERE rate IS NOT NULL
    UNION ALL
    SELECT
        worker_id, site_id, worked_on, 'none', 'paid', NULL, rig_id, paid_ms, 0,
        NULL, NULL, NULL, NULL
    FROM paid LEFT JOIN by_piece USING (site_id)
    WHERE rate IS NULL AND (by_piece.starts_on IS NULL OR by_piece.starts_on > paid.worked_on)
    UNION ALL
    SELECT
        priced.worker_id, priced.site_id, priced.worked_on, 'none', 'accepted', task_id, NULL,
        0, accepted_ms, NULL, NULL, NULL, NULL
    FROM priced LEFT JOIN paid
        ON paid.worked_on = priced.worked_on AND paid.site_id = priced.site_id
        AND paid.worker_id = priced.worker_id AND paid.rate IS NOT NULL
    WHERE priced.rate IS NULL AND paid.worker_id IS NULL
)
FROM line;

-- What pay_part has for some days, from pay_line; one row per part of a line. A paid line is cut by
-- recorded time, any other by accepted time. Parts are rounded by running total, in an order that
-- does not change, so that they add up exactly.
CREATE OR REPLACE MACRO pay_parts_on(days) AS TABLE
WITH
line AS (
    SELECT *, row_number() OVER () AS number
    FROM pay_line WHERE is_on(days, worked_on)
),
cell AS (
    FROM cells_in('-infinity', 'infinity', NULL, NULL)
    WHERE recorded_ms > 0 AND is_on(days, worked_on)
),
piece AS (
    SELECT DISTINCT site_id, worked_on, task_id FROM line WHERE basis = 'accepted'
),
cut AS (
    SELECT
        line.* EXCLUDE (task_id, rig_id, accepted_ms),
        cell.task_id,
        CASE WHEN cell.worked_on IS NULL THEN line.rig_id ELSE cell.rig_id END AS rig_id,
        cell.program_id,
        cell.recorded_ms AS weight,
        CASE
            WHEN line.basis = 'paid' AND piece.worked_on IS NULL THEN coalesce(cell.accepted_ms, 0)
            ELSE 0
        END AS accepted_ms
    FROM line
    LEFT JOIN cell
        ON cell.worked_on = line.worked_on AND cell.site_id = line.site_id
        AND cell.worker_id = line.worker_id
    LEFT JOIN piece
        ON piece.worked_on = cell.worked_on AND piece.site_id = cell.site_id
        AND piece.task_id IS NOT DISTINCT FROM cell.task_id
    WHERE is_by_time(line.basis, line.unpriced)
    UNION ALL BY NAME
    SELECT
        line.* EXCLUDE (task_id, rig_id, accepted_ms),
        cell.task_id, cell.rig_id, cell.program_id,
        cell.accepted_ms AS weight, cell.accepted_ms
    FROM line
    JOIN cell
        ON cell.worked_on = line.worked_on
        AND cell.site_id IS NOT DISTINCT FROM line.site_id
        AND cell.worker_id IS NOT DISTINCT FROM line.worker_id
        AND cell.task_id IS NOT DISTINCT FROM line.task_id
    WHERE NOT is_by_time(line.basis, line.unpriced) AND cell.accepted_ms > 0
),
running AS (
    SELECT
        *,
        CAST(sum(weight) OVER (
            PARTITION BY number ORDER BY hash(task_id, program_id, rig_id)
            ROWS UNBOUNDED PRECEDING) AS BIGINT) AS until,
        CAST(sum(weight) OVER (PARTITION BY number) AS BIGINT) AS whole
    FROM cut
)
SELECT
    worker_id, site_id, worked_on, basis, unpriced, task_id, program_id, rig_id,
    coalesce(paid_ms * (weight / whole), paid_ms) AS paid_ms,
    accepted_ms, rate, currency, unit,
    coalesce(units * until // whole - units * (until - weight) // whole, units) AS units
FROM running;

-- Pay lines cut by task and, where one is chosen, by rig or program; one row per part of a line.
-- Lines by accepted time have one task anyway, and are not cut where neither is chosen.
CREATE OR REPLACE MACRO pay_parts_in(from_on, to_on, sites, tasks, workers, rigs, program) AS TABLE
SELECT *
FROM pay_part
WHERE worked_on BETWEEN from_on AND to_on AND chosen(sites, site_id) AND chosen(workers, worker_id)
    AND (is_by_time(basis, unpriced) OR rigs IS NOT NULL OR program IS NOT NULL)
    AND chosen(tasks, task_id) AND chosen(rigs, rig_id)
    AND (program IS NULL OR program_id = program)
UNION ALL BY NAME
SELECT * REPLACE (NULL AS rig_id, 0.0 AS paid_ms)
FROM pay_line
WHERE worked_on BETWEEN from_on AND to_on AND chosen(sites, site_id) AND chosen(workers, worker_id)
    AND NOT is_by_time(basis, unpriced) AND rigs IS NULL AND program IS NULL
    AND chosen(tasks, task_id);

-- What a page's filter leaves; lines where it cuts none, else parts of lines.
CREATE OR REPLACE MACRO due_in(from_on, to_on, sites, tasks, workers, rigs, program) AS TABLE
SELECT *
FROM pay_line
WHERE worked_on BETWEEN from_on AND to_on AND chosen(sites, site_id) AND chosen(workers, worker_id)
    AND tasks IS NULL AND rigs IS NULL AND program IS NULL
UNION ALL BY NAME
FROM pay_parts_in(from_on, to_on, sites, tasks, workers, rigs, program)
WHERE tasks IS NOT NULL OR rigs IS NOT NULL OR program IS NOT NULL;
