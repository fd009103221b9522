-- Definition: how often two reviewers decided alike on the same clip: first decisions against the
--   second looks at them. A retake counts as rejected; a pair is the same in either order, its
--   names in order of the alphabet.
-- Unit: clips
-- Grain: one row per pair of reviewers
-- Parameters: $from_on, $to_on (days, both included), $sites, $tasks, $workers, $rigs (lists of
--   ids, NULL for all), $program (an id, NULL for all)
WITH
looked AS (
    SELECT
        least(first.reviewer, second.reviewer) AS one,
        greatest(first.reviewer, second.reviewer) AS other,
        CASE WHEN first.reviewer <= second.reviewer THEN first.is_rejection
            ELSE second.is_rejection END AS one_rejects,
        CASE WHEN first.reviewer <= second.reviewer THEN second.is_rejection
            ELSE first.is_rejection END AS other_rejects
    FROM reviews_in($from_on, $to_on, $sites, $tasks, $workers, $rigs, $program) AS second
    JOIN second_look ON second_look.second_id = second.id
    JOIN review_standing AS first ON first.id = second_look.review_id
)
SELECT
    one, other,
    count(*) FILTER (one_rejects AND other_rejects) AS both_rejected,
    count(*) FILTER (one_rejects AND NOT other_rejects) AS one_only,
    count(*) FILTER (other_rejects AND NOT one_rejects) AS other_only,
    count(*) FILTER (NOT one_rejects AND NOT other_rejects) AS both_accepted
FROM looked
GROUP BY one, other
ORDER BY count(*) DESC, one, other
