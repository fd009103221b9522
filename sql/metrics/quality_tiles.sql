-- Definition: verdicts, decisions and flagged hours of a span; duplicates are counted apart and
--   nowhere else.
-- Unit: episodes, hours; shares between 0 and 1 with Wilson 95 % intervals
-- Grain: one row per filter
-- Parameters: $from_on, $to_on (days, both included), $sites, $tasks, $workers, $rigs (lists of
--   ids, NULL for all), $program (an id, NULL for all)
WITH
chosen_episode AS (FROM episodes_in($from_on, $to_on, $sites, $tasks, $workers, $rigs, $program)),
flagged AS (
    SELECT coalesce(sum(recorded_ms), 0) AS flagged_ms
    FROM chosen_episode
    SEMI JOIN (SELECT episode_id FROM flag WHERE grade IN ('suspect', 'fail')) AS flag
        ON flag.episode_id = chosen_episode.id
),
counted AS (
    SELECT
        count(*) FILTER (is_counted) AS episodes,
        count(*) FILTER (is_counted AND verdict = 'good') AS good,
        count(*) FILTER (is_counted AND verdict = 'unknown') AS unknown,
        count(*) FILTER (is_counted AND verdict = 'suspect') AS suspect,
        count(*) FILTER (is_counted AND verdict = 'fail') AS fail,
        count(*) FILTER (NOT is_counted) AS duplicates,
        count(*) FILTER (is_decided) AS decided,
        count(*) FILTER (is_accepted) AS accepted,
        count(*) FILTER (is_counted AND decision IS NULL) AS waiting
    FROM chosen_episode
)
SELECT
    episodes, good, unknown, suspect, fail, duplicates, decided, accepted, waiting,
    good / nullif(episodes, 0) AS good_share,
    CASE WHEN episodes > 0 THEN wilson_low(good, episodes) END AS good_low,
    CASE WHEN episodes > 0 THEN wilson_high(good, episodes) END AS good_high,
    accepted / nullif(decided, 0) AS acceptance,
    CASE WHEN decided > 0 THEN wilson_low(accepted, decided) END AS acceptance_low,
    CASE WHEN decided > 0 THEN wilson_high(accepted, decided) END AS acceptance_high,
    hours_of(flagged_ms) AS flagged_h
FROM counted, flagged
