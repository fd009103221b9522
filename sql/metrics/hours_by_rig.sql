-- Definition: hours paid, recorded, delivered and accepted by rig.
-- Unit: hours
-- Grain: one row per rig (NULL: not known). Where nothing was recorded in paid time, a rig of the
--   shifts
-- Parameters: $from_on, $to_on (days, both included), $sites, $tasks, $workers, $rigs (lists of
--   ids, NULL for all), $program (an id, NULL for all)
WITH
grouped AS (
    SELECT
        rig_id AS id,
        CAST(sum(episodes) AS BIGINT) AS episodes,
        hours_of(sum(paid_ms)) AS paid_h,
        hours_of(sum(recorded_ms)) AS recorded_h,
        hours_of(sum(delivered_ms)) AS delivered_h,
        hours_of(sum(accepted_ms)) AS accepted_h
    FROM parts_in($from_on, $to_on, $sites, $tasks, $workers, $rigs, $program)
    GROUP BY rig_id
)
SELECT id, id AS name, episodes, paid_h, recorded_h, delivered_h, accepted_h
FROM grouped
ORDER BY accepted_h DESC, id
