-- Pay lines of some days; pay_line holds none of these days before (sql/views/40_pay_line.sql).
-- Parameters: $days (list of days, NULL for every day)
INSERT INTO pay_line BY NAME FROM pay_lines_on($days)
