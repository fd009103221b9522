-- Definition: what a check scored on clips that reviews rejected for its own reason, or accepted;
--   NULL where it was not near its limits.
-- Unit: that of the check's limits
-- Grain: one row per reviewed episode and score of the check
-- Parameters: $check (a check's name)
SELECT
    found_by_people.episode_id, is_rejected, rig_id, suspect_to, fail_to, score.grade
FROM found_by_people
JOIN episode ON episode.id = found_by_people.episode_id
LEFT JOIN score ON score.episode_id = found_by_people.episode_id AND check_name = $check
WHERE (NOT is_rejected OR reason = $check) AND is_scored
ORDER BY found_by_people.episode_id, suspect_to
