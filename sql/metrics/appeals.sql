-- Definition: appeals, the open ones first by what is due, then the latest closed.
-- Unit: instants in UTC; left_s seconds until due (negative: overdue), NULL where closed
-- Grain: one row per appeal
-- Parameters: $now (instant, UTC), $limit (rows)
SELECT
    appeal.id AS appeal_id, appeal.episode_id, appeal.worker_id, appeal.reason, brought_in_by,
    brought_at, due_at, state,
    CASE WHEN state = 'open' THEN CAST(epoch_us(due_at) - epoch_us($now) AS DOUBLE) / 1e6 END
        AS left_s,
    against.reviewer AS against, against.decision AS against_decision,
    answer.reviewer AS answered_by, answer.decision AS answer, appeal.closed_at
FROM appeal
LEFT JOIN review AS against ON against.id = appeal.against_id
LEFT JOIN review AS answer ON answer.id = appeal.review_id
ORDER BY state <> 'open', CASE WHEN state = 'open' THEN due_at END, appeal.closed_at DESC,
    appeal.id
LIMIT $limit
