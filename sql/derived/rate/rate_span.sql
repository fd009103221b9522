-- The table rate_span anew (see sql/views/30_rate_span.sql); run when a rate has changed.
CREATE OR REPLACE TABLE rate_span AS FROM rate_period
