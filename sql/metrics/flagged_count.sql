-- Definition: how many episodes the list of flagged ones has.
-- Unit: episodes
-- Grain: one row per filter
-- Parameters: $from_on, $to_on (days, both included), $sites, $tasks, $workers, $rigs (lists of
--   ids, NULL for all), $program (an id, NULL for all), $checks, $verdicts (lists, NULL for
--   all)
SELECT count(*) AS episodes
FROM episodes_in($from_on, $to_on, $sites, $tasks, $workers, $rigs, $program)
WHERE verdict <> 'good' AND chosen($verdicts, verdict)
    AND ($checks IS NULL OR id IN (
        SELECT episode_id FROM flag WHERE chosen($checks, check_name)))
