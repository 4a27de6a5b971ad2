-- The index of reports goes by blocks of sixteen numbers first. By stream first, each stream's newest report has a page of its
-- own, and storing the reports of an hour changes as many pages as there are streams.
CREATE TABLE report_now (
    meter INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    -- When it ends and came in, and its bytes but for those it shares with the stream's head; see
    -- docs/storage.md.
    packed BLOB NOT NULL
) STRICT;
INSERT INTO report_now (meter, seq, first_at, packed) SELECT meter, seq, first_at, packed FROM report ORDER BY rowid;
DROP TABLE report;
ALTER TABLE report_now RENAME TO report;
CREATE UNIQUE INDEX report_by_number ON report (seq >> 4, meter, seq);
