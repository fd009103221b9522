-- Definition: who holds clips now, how many, since when and until when at the latest. What they are
--   held for is left out, since who reads this may be asked blind.
-- Unit: clips; instants in UTC
-- Grain: one row per reviewer who holds any
-- Parameters: $now (instant, UTC)
SELECT
    reviewer, count(*) AS clips, min(claimed_at) AS since_at, max(expires_at) AS until_at
FROM claim
WHERE expires_at > $now
GROUP BY reviewer
ORDER BY until_at, reviewer
