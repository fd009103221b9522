-- Small words that the other files speak.

-- Whether an id is among the chosen ones; NULL chooses all.
CREATE OR REPLACE MACRO chosen(ids, id) AS
    ids IS NULL OR list_contains(CAST(ids AS VARCHAR[]), id);

-- Hours from whole milliseconds, to a microhour: a sum of hours shows no dust of binary fractions.
CREATE OR REPLACE MACRO hours_of(ms) AS coalesce(round(ms / 3600000.0, 6), 0.0);

-- Wilson score interval at 95 % of k out of n (Wilson 1927), z = 1.959964; of n = 0 it is NULL.
CREATE OR REPLACE MACRO wilson_low(k, n) AS greatest(0.0,
    (k + 1.9207294407 - 1.959964 * sqrt(k * (n - k) / nullif(n, 0) + 0.96036472035))
    / (n + 3.8414588813));
CREATE OR REPLACE MACRO wilson_high(k, n) AS least(1.0,
    (k + 1.9207294407 + 1.959964 * sqrt(k * (n - k) / nullif(n, 0) + 0.96036472035))
    / (n + 3.8414588813));

-- Where an interval lies beside an overall rate.
CREATE OR REPLACE MACRO standing_of(low, high, overall) AS
    CASE WHEN low > overall THEN 'above' WHEN high < overall THEN 'below'
         ELSE 'not distinguishable' END;

-- How bad a grade is, 0 for good up to 3 for fail; as dailies.words.Grade.rank.
CREATE OR REPLACE MACRO rank_of(grade) AS
    CASE grade WHEN 'fail' THEN 3 WHEN 'suspect' THEN 2 WHEN 'unknown' THEN 1 ELSE 0 END;

-- The grade of a rank, the other way round.
CREATE OR REPLACE MACRO word_of(rank) AS
    CASE rank WHEN 3 THEN 'fail' WHEN 2 THEN 'suspect' WHEN 1 THEN 'unknown' ELSE 'good' END;
