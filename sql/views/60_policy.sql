-- Verdicts under moved limits, told from scores; see quality/scores.py for what these say.

-- Grades of checks by their scores under two sets of limits, before and after, as ranks; one row per
-- episode and check that is near its limits. The lists are read side by side: check, sign (1 where
-- higher is worse, -1 where lower is), scope (house, task, site or rig), its owner's id (any for
-- house), and the suspect and fail limits before and after (NULL where a scope leaves them as they
-- are for others). Each check has one row of scope house. The rig's limit comes before the site's,
-- that before the task's; where overrides meet, the suspect limit is never beyond the fail limit.
CREATE OR REPLACE MACRO regraded(
    checks, signs, scopes, owners, suspects_before, fails_before, suspects_after, fails_after
) AS TABLE
WITH
given AS (
    SELECT
        unnest(CAST(checks AS VARCHAR[])) AS check_name,
        unnest(CAST(signs AS DOUBLE[])) AS sign,
        unnest(CAST(scopes AS VARCHAR[])) AS scope,
        unnest(CAST(owners AS VARCHAR[])) AS owner,
        unnest(CAST(suspects_before AS DOUBLE[])) AS suspect_before,
        unnest(CAST(fails_before AS DOUBLE[])) AS fail_before,
        unnest(CAST(suspects_after AS DOUBLE[])) AS suspect_after,
        unnest(CAST(fails_after AS DOUBLE[])) AS fail_after
),
-- Limits by place: one row per check and the task, site and rig that any override names.
tasks AS (SELECT DISTINCT owner FROM given WHERE scope = 'task' UNION ALL SELECT NULL),
sites AS (SELECT DISTINCT owner FROM given WHERE scope = 'site' UNION ALL SELECT NULL),
rigs AS (SELECT DISTINCT owner FROM given WHERE scope = 'rig' UNION ALL SELECT NULL),
places AS (
    SELECT
        house.check_name, house.sign,
        tasks.owner AS task_id, sites.owner AS site_id, rigs.owner AS rig_id,
        house.sign * coalesce(rig.suspect_before, site.suspect_before, task.suspect_before,
            house.suspect_before) AS suspect_before,
        house.sign * coalesce(rig.fail_before, site.fail_before, task.fail_before,
            house.fail_before) AS fail_before,
        house.sign * coalesce(rig.suspect_after, site.suspect_after, task.suspect_after,
            house.suspect_after) AS suspect_after,
        house.sign * coalesce(rig.fail_after, site.fail_after, task.fail_after,
            house.fail_after) AS fail_after
    FROM given house CROSS JOIN tasks CROSS JOIN sites CROSS JOIN rigs
    LEFT JOIN given task ON task.scope = 'task' AND task.owner = tasks.owner
        AND task.check_name = house.check_name
    LEFT JOIN given site ON site.scope = 'site' AND site.owner = sites.owner
        AND site.check_name = house.check_name
    LEFT JOIN given rig ON rig.scope = 'rig' AND rig.owner = rigs.owner
        AND rig.check_name = house.check_name
    WHERE house.scope = 'house'
),
-- What no limit given comes near to says good on both sides.
bounds AS (
    SELECT
        check_name, any_value(sign) AS sign,
        min(least(sign * suspect_before, sign * fail_before,
            sign * suspect_after, sign * fail_after)) AS bound
    FROM given GROUP BY check_name
),
near AS (
    SELECT
        score.episode_id, score.check_name, grade = 'unknown' AS is_unknown,
        grade = 'suspect' AS is_found, sign * suspect_to AS suspect_to, sign * fail_to AS fail_to
    FROM score
    JOIN bounds ON bounds.check_name = score.check_name
    WHERE sign * suspect_to >= bound OR score.grade = 'unknown'
),
placed AS (
    SELECT
        near.*, tasks.owner AS task_id, sites.owner AS site_id, rigs.owner AS rig_id
    FROM near
    JOIN episode ON episode.id = near.episode_id
    LEFT JOIN tasks ON tasks.owner = episode.task_id
    LEFT JOIN sites ON sites.owner = episode.site_id
    LEFT JOIN rigs ON rigs.owner = episode.rig_id
),
ranked AS (
    SELECT
        episode_id, placed.check_name, suspect_to, is_unknown,
        suspect_to >= least(suspect_before, fail_before) AS is_before,
        suspect_to >= least(suspect_after, fail_after) AS is_after,
        CASE WHEN fail_to >= fail_before THEN 3 WHEN is_found THEN 2 ELSE 0 END AS before,
        CASE WHEN fail_to >= fail_after THEN 3 WHEN is_found THEN 2 ELSE 0 END AS after
    FROM placed
    JOIN places ON places.check_name = placed.check_name
        AND places.task_id IS NOT DISTINCT FROM placed.task_id
        AND places.site_id IS NOT DISTINCT FROM placed.site_id
        AND places.rig_id IS NOT DISTINCT FROM placed.rig_id
)
SELECT
    episode_id, check_name,
    greatest(max(is_unknown::INTEGER),
        coalesce(arg_min(before, suspect_to) FILTER (is_before), 0)) AS before,
    greatest(max(is_unknown::INTEGER),
        coalesce(arg_min(after, suspect_to) FILTER (is_after), 0)) AS after
FROM ranked
GROUP BY episode_id, check_name;

-- Episodes whose verdict differs between the limits before and after; one row per such episode.
-- Checks that are not among the given ones say what they said. Duplicates are left out.
CREATE OR REPLACE MACRO moved_verdicts(
    checks, signs, scopes, owners, suspects_before, fails_before, suspects_after, fails_after
) AS TABLE
WITH
by_episode AS (
    SELECT episode_id, max(before) AS before, max(after) AS after
    FROM regraded(
        checks, signs, scopes, owners, suspects_before, fails_before, suspects_after, fails_after)
    GROUP BY episode_id
    HAVING max(before) <> max(after)
),
others AS (
    SELECT episode_id, max(rank_of(grade)) AS rank
    FROM flag
    WHERE episode_id IN (SELECT episode_id FROM by_episode)
        AND NOT list_contains(CAST(checks AS VARCHAR[]), check_name)
    GROUP BY episode_id
),
verdicts AS (
    SELECT
        by_episode.episode_id,
        greatest(before, coalesce(others.rank, 0)) AS before,
        greatest(after, coalesce(others.rank, 0)) AS after
    FROM by_episode LEFT JOIN others USING (episode_id)
),
reviewed AS (
    SELECT DISTINCT episode_id FROM review_standing
    WHERE kind IN ('first', 'appeal', 'sample', 'lead') AND NOT is_waiting
)
SELECT
    id AS episode_id, word_of(before) AS before, word_of(after) AS after,
    worked_on, task_id, site_id, rig_id, worker_id, duration_s, path, episode_index,
    reviewed.episode_id IS NOT NULL AS is_reviewed
FROM verdicts
JOIN episode ON episode.id = verdicts.episode_id
LEFT JOIN reviewed ON reviewed.episode_id = verdicts.episode_id
WHERE before <> after AND duplicate_of IS NULL;

-- What people found of each episode that a review stands on, the last one; one row per episode.
CREATE OR REPLACE VIEW found_by_people AS
SELECT
    episode_id,
    arg_max(is_rejection, (decided_at, id)) AS is_rejected,
    arg_max(coalesce(reason, ''), (decided_at, id)) AS reason
FROM review_standing
WHERE kind IN ('first', 'appeal', 'sample', 'lead') AND NOT is_waiting
GROUP BY episode_id;
