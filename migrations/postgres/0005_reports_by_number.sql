-- The columns of a report from wide to narrow, and its stream in four bytes: no padding between them, four bytes a report less.
-- Each partition keeps its small index, by stream and number; SQLite's one index goes by blocks of numbers from here on.
ALTER TABLE report RENAME TO report_before;
CREATE TABLE report (
    seq BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    meter INTEGER NOT NULL,
    -- When it ends and came in, and its bytes but for those it shares with the stream's head; see
    -- docs/storage.md.
    packed BYTEA NOT NULL
) PARTITION BY RANGE (first_at);
DO $$
DECLARE
    part RECORD;
BEGIN
    FOR part IN
        SELECT c.relname AS name, pg_get_expr(c.relpartbound, c.oid) AS bounds
        FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'report_before'::REGCLASS
    LOOP
        EXECUTE format('ALTER TABLE %I RENAME TO report_month_before', part.name);
        EXECUTE format('CREATE TABLE %I PARTITION OF report (UNIQUE (meter, seq)) %s', part.name, part.bounds);
        EXECUTE 'INSERT INTO report (seq, first_at, meter, packed) SELECT seq, first_at, meter, packed FROM report_month_before';
        EXECUTE 'DROP TABLE report_month_before';
    END LOOP;
END $$;
DROP TABLE report_before;
