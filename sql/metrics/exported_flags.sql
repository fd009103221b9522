-- Definition: flags of the verdicts that stand, for Prometheus.
-- Unit: flags
-- Grain: one row per (check, grade)
-- Parameters: none
SELECT check_name, grade, count(*) AS flags
FROM flag
GROUP BY check_name, grade
ORDER BY check_name, grade
