-- Nothing changes here: each month's partition has its own small index, by stream and number. SQLite's one index goes by blocks
-- of numbers from here on.
SELECT 1;
