-- Decimal places of a currency's smallest unit (ISO 4217).
CREATE OR REPLACE MACRO minor_of(currency) AS CASE
    WHEN currency IN ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX',
                      'VND', 'VUV', 'XAF', 'XOF', 'XPF') THEN 0
    WHEN currency IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 3
    ELSE 2 END;

-- Rates with the day from which the next one holds; one row per rate that ever applies.
-- Of two rates that start on the same day the later entered (greater id) applies.
-- unit is the currency's smallest unit and hourly the amount, both in ten-thousandths of the
-- currency, as whole numbers: no binary fraction touches money.
CREATE OR REPLACE VIEW rate_period AS
WITH
last_entered AS (
    SELECT * FROM rate
    QUALIFY row_number() OVER (
        PARTITION BY site_id, task_id, basis, starts_on ORDER BY id DESC) = 1
)
SELECT
    *,
    lead(starts_on, 1, DATE '9999-12-31') OVER (
        PARTITION BY site_id, task_id, basis ORDER BY starts_on) AS next_starts_on,
    CAST(10 ** (4 - minor_of(currency)) AS BIGINT) AS unit,
    CAST(amount * 10000 AS BIGINT) AS hourly
FROM last_entered;

-- The same as a table, which the mirror makes anew when a rate changes (sql/derived/rate).
CREATE OR REPLACE TABLE rate_span AS FROM rate_period;

-- hourly (see above) times milliseconds, in smallest units, rounded once, half up. Whole hours and
-- the rest apart, so that it fits whole numbers of 64 bits up to 250 million an hour; beyond, it
-- raises and never rounds.
CREATE OR REPLACE MACRO units_due(hourly, ms, unit) AS
    (hourly * (ms // 3600000) + hourly * (ms % 3600000) // 3600000 + unit // 2) // unit;

-- Smallest units as money.
CREATE OR REPLACE MACRO money_of(units, unit) AS
    CAST(CAST(units * unit AS DECIMAL(20, 0)) * 0.0001 AS DECIMAL(18, 4));

-- Money an accepted hour, to 4 places; NULL without any, or where it has more than 14 digits.
CREATE OR REPLACE MACRO money_an_hour(units, unit, ms) AS
    TRY_CAST(units * unit * 360.0 / nullif(ms, 0) AS DECIMAL(18, 4));
