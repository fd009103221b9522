-- Parts of the pay lines of some days, from the lines; pay_part holds none of these days before.
-- Parameters: $days (list of days, NULL for every day)
INSERT INTO pay_part BY NAME FROM pay_parts_on($days)
