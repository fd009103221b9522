-- Reviews as they count.

-- Reviews that were not taken back, with the clip they are about; one row per review.
-- is_waiting: in a hold that no lead has released, so it does not count yet. is_rejection: a retake
-- is one. took_s: from the claim to the decision, NULL where there was no claim.
CREATE OR REPLACE VIEW review_standing AS
SELECT
    review.id, review.episode_id, review.reviewer, review.decision, review.reason, review.kind,
    review.subject_id, review.supersedes, review.decided_at,
    review.decision <> 'accepted' AS is_rejection,
    review.hold_id IS NOT NULL AND hold.released_at IS NULL AS is_waiting,
    CAST(epoch_us(review.decided_at) - epoch_us(review.started_at) AS DOUBLE) / 1e6 AS took_s,
    worked_on, site_id, task_id, worker_id, rig_id, program_id, verdict,
    CASE WHEN duplicate_of IS NULL THEN duration_s ELSE 0 END AS duration_s
FROM review
JOIN episode ON episode.id = review.episode_id
LEFT JOIN hold ON hold.id = review.hold_id
WHERE review.undone_at IS NULL;

-- The same, of the clips that a page's filter leaves; days are those of the recording.
CREATE OR REPLACE MACRO reviews_in(from_on, to_on, sites, tasks, workers, rigs, program) AS TABLE
SELECT *
FROM review_standing
WHERE worked_on BETWEEN from_on AND to_on
    AND chosen(sites, site_id)
    AND chosen(tasks, task_id)
    AND chosen(workers, worker_id)
    AND chosen(rigs, rig_id)
    AND (program IS NULL OR program_id = program);

-- Clips that wait for a review: nothing stands on them, and none of their reviews waits in a hold.
CREATE OR REPLACE VIEW waiting AS
SELECT episode.*
FROM episode
WHERE decision IS NULL AND duplicate_of IS NULL
    AND id NOT IN (
        SELECT episode_id FROM review
        WHERE undone_at IS NULL AND kind IN ('first', 'appeal', 'sample', 'lead'));
