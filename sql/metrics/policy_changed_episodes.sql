-- Definition: episodes whose verdict would change if limits moved, the newest first.
-- Unit: seconds
-- Grain: one row per episode
-- Parameters: $checks, $signs, $scopes, $owners, $suspects_before, $fails_before,
--   $suspects_after, $fails_after (lists of one length, see regraded in sql/views/60_policy.sql)
--   and $limit (most rows)
SELECT
    episode_id, before, after, is_reviewed, worked_on, task_id, site_id, rig_id, worker_id,
    duration_s
FROM moved_verdicts(
    $checks, $signs, $scopes, $owners, $suspects_before, $fails_before, $suspects_after,
    $fails_after)
ORDER BY worked_on DESC, episode_id DESC
LIMIT $limit
