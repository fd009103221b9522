-- Definition: the flags of an episode, worst first.
-- Unit: seconds on the recording's clock; measured and limit in unit
-- Grain: one row per flag
-- Parameters: $episode_id
SELECT
    id AS flag_id, check_name, grade, stream, start_s, end_s, measured, limit_value, unit, message
FROM flag
WHERE episode_id = $episode_id
ORDER BY rank_of(grade) DESC, start_s, id
