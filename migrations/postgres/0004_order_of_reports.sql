-- Reports of a stream are in order when none starts before another with a lower number has ended; what the highest one ends
-- at is meter.last_at, so when it starts need not be kept.
ALTER TABLE meter DROP COLUMN highest_first_at;
-- A report changes its stream's row. With room on its page the new version of the row stays there and touches no index
-- (a heap-only tuple); SQLite changes rows in place.
ALTER TABLE meter SET (fillfactor = 50);
