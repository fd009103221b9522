-- Definition: the policies that were saved, who saved them, why, and since when each was last in
--   force; is_in_force is the one that holds now. The newest first.
-- Unit: none
-- Grain: one row per policy version
-- Parameters: none
WITH
used AS (
    SELECT
        version, arg_max(began_at, id) AS began_at, arg_max(begun_by, id) AS begun_by,
        max(id) AS last
    FROM policy_use GROUP BY version
)
SELECT
    policy.version, note, made_by, made_at, used.began_at, used.begun_by,
    coalesce(used.last = (SELECT max(id) FROM policy_use), false) AS is_in_force
FROM policy
LEFT JOIN used ON used.version = policy.version
ORDER BY made_at DESC, policy.id DESC
