-- Rates with the day from which the next one holds; one row per rate that ever applies.
-- Of two rates that start on the same day the later entered (greater id) applies.
CREATE OR REPLACE VIEW rate_span AS
WITH
last_entered AS (
    SELECT * FROM rate
    QUALIFY row_number() OVER (
        PARTITION BY site_id, task_id, basis, starts_on ORDER BY id DESC) = 1
)
SELECT
    *,
    lead(starts_on, 1, DATE '9999-12-31') OVER (
        PARTITION BY site_id, task_id, basis ORDER BY starts_on) AS next_starts_on
FROM last_entered;

-- Decimal places of a currency's smallest unit (ISO 4217).
CREATE OR REPLACE MACRO minor_of(currency) AS CASE
    WHEN currency IN ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX',
                      'VND', 'VUV', 'XAF', 'XOF', 'XPF') THEN 0
    WHEN currency IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 3
    ELSE 2 END;

-- A currency's smallest unit in ten-thousandths, which is how Money is kept.
CREATE OR REPLACE MACRO unit_of(currency) AS
    CASE minor_of(currency) WHEN 0 THEN 10000 WHEN 3 THEN 10 ELSE 100 END;

-- rate (money an hour) times milliseconds, in smallest units, rounded once, half up. In whole
-- numbers throughout: no binary fraction touches money.
CREATE OR REPLACE MACRO units_due(rate, ms, currency) AS
    (2 * CAST(rate * 10000 AS HUGEINT) * ms + 3600000 * unit_of(currency))
    // (2 * 3600000 * unit_of(currency));

-- Smallest units as money.
CREATE OR REPLACE MACRO money_of(units, currency) AS
    CAST(CAST(units * unit_of(currency) AS DECIMAL(20, 0)) * 0.0001 AS DECIMAL(18, 4));
