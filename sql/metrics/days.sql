-- Definition: the first and last day with an episode or a shift that has begun, and the number of
--   episodes.
-- Unit: days, episodes
-- Grain: one row per record
-- Parameters: $now (instant, UTC)
WITH
episodes AS (
    SELECT
        min(worked_on) AS first_on, max(worked_on) AS last_on, count(*) AS episodes,
        coalesce(bool_or(is_example), false) AS is_example
    FROM episode
),
shifts AS (
    SELECT min(worked_on) AS first_on, max(worked_on) AS last_on
    FROM shift WHERE started_at <= CAST($now AS TIMESTAMP)
)
SELECT
    least(episodes.first_on, shifts.first_on) AS first_on,
    greatest(episodes.last_on, shifts.last_on) AS last_on,
    episodes, is_example
FROM episodes, shifts
