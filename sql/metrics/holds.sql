-- Definition: reviewers whose rejections wait for a lead, or did, and the rates that tripped it.
-- Unit: decisions; shares between 0 and 1; instants in UTC
-- Grain: one row per hold, open ones first
-- Parameters: $limit (rows)
WITH
waits AS (
    SELECT hold_id, count(*) AS rejections
    FROM review WHERE hold_id IS NOT NULL AND undone_at IS NULL GROUP BY hold_id
)
SELECT
    hold.id AS hold_id, reviewer, opened_at, rejected / decided AS rejection,
    rest_rejected / rest_decided AS rest_rejection, decided, rest_decided,
    coalesce(rejections, 0) AS rejections, released_at, released_by, outcome
FROM hold LEFT JOIN waits ON waits.hold_id = hold.id
ORDER BY released_at IS NOT NULL, opened_at DESC, hold.id
LIMIT $limit
