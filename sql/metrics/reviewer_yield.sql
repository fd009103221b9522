-- Definition: what each reviewer did on clips of the span: decisions of any kind that stand, the
--   share of first decisions that rejects (a retake does) with its Wilson 95 % interval against
--   that of all, the median time a clip took and decisions per hour of it (a clip counts 15
--   minutes at most), and first decisions overturned by an appeal or a lead.
-- Unit: decisions; shares between 0 and 1; seconds
-- Grain: one row per reviewer
-- Parameters: $from_on, $to_on (days, both included), $sites, $tasks, $workers, $rigs (lists of
--   ids, NULL for all), $program (an id, NULL for all)
WITH
decided AS (
    FROM reviews_in($from_on, $to_on, $sites, $tasks, $workers, $rigs, $program)
),
over AS (
    SELECT was.id, bool_or(was.is_rejection <> later.is_rejection) AS is_overturned
    FROM review_standing AS later
    JOIN review_standing AS was ON was.id = later.supersedes
    WHERE later.kind IN ('appeal', 'lead')
    GROUP BY was.id
),
by_reviewer AS (
    SELECT
        reviewer,
        count(*) AS decisions,
        count(*) FILTER (kind = 'first') AS first_decisions,
        count(*) FILTER (kind = 'first' AND is_rejection) AS rejected,
        count(*) FILTER (decision = 'retake') AS retakes,
        count(*) FILTER (is_waiting) AS held,
        count(*) FILTER (is_overturned IS NOT NULL) AS looked_again,
        count(*) FILTER (is_overturned) AS overturned,
        median(took_s) AS median_s,
        count(took_s) / nullif(sum(least(took_s, 900)) / 3600, 0) AS per_hour,
        hours_of(sum(duration_s * 1000)) AS reviewed_h,
        max(decided_at) AS last_at
    FROM decided LEFT JOIN over USING (id)
    GROUP BY reviewer
),
rated AS (
    SELECT
        *,
        rejected / nullif(first_decisions, 0) AS rejection,
        CASE WHEN first_decisions > 0 THEN wilson_low(rejected, first_decisions) END
            AS rejection_low,
        CASE WHEN first_decisions > 0 THEN wilson_high(rejected, first_decisions) END
            AS rejection_high,
        sum(rejected) OVER () / nullif(sum(first_decisions) OVER (), 0) AS overall
    FROM by_reviewer
)
SELECT
    reviewer, decisions, first_decisions, rejected, retakes, held, rejection, rejection_low,
    rejection_high, CAST(overall AS DOUBLE) AS overall,
    CASE WHEN rejection_low IS NOT NULL
        THEN standing_of(rejection_low, rejection_high, overall) END AS standing,
    looked_again, overturned, overturned / nullif(first_decisions, 0) AS overturn_share,
    median_s, per_hour, reviewed_h, last_at
FROM rated
ORDER BY decisions DESC, reviewer
