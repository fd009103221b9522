-- Definition: the episodes before and after one, by start, whose verdict is not good.
-- Unit: ids
-- Grain: one row per filter
-- Parameters: $from_on, $to_on (days, both included), $sites, $tasks, $workers, $rigs (lists of
--   ids, NULL for all), $program (an id, NULL for all), $episode_id
WITH
here AS (SELECT id, started_at FROM episode WHERE id = $episode_id),
flagged AS (
    SELECT id, started_at
    FROM episodes_in($from_on, $to_on, $sites, $tasks, $workers, $rigs, $program)
    WHERE verdict <> 'good'
)
SELECT
    arg_max(flagged.id, row(flagged.started_at, flagged.id)) FILTER (
        row(flagged.started_at, flagged.id) < row(here.started_at, here.id)) AS previous_id,
    arg_min(flagged.id, row(flagged.started_at, flagged.id)) FILTER (
        row(flagged.started_at, flagged.id) > row(here.started_at, here.id)) AS next_id
FROM flagged, here
