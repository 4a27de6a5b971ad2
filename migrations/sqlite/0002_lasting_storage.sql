-- Storage that lasts: a meter's two streams, gaps kept as they open and close, reports without what
-- repeats, and what was moved to archive files. Its twin in ../postgres also cuts reports by month.

CREATE TABLE meter_now (
    id INTEGER PRIMARY KEY,
    district INTEGER NOT NULL REFERENCES district (id),
    code TEXT NOT NULL,
    -- primary: what the meter or its gateway signed; manual: readings entered by hand.
    stream TEXT NOT NULL,
    -- Reports 1 to stored_seq were stored without a gap.
    stored_seq INTEGER NOT NULL,
    highest_seq INTEGER NOT NULL,
    -- When the report with highest_seq starts.
    highest_first_at INTEGER,
    -- 1 once a report was stored that starts before one with a lower number: then times are no order.
    disordered INTEGER NOT NULL,
    -- How many reports were stored, and how many of them lie in archive files, up to which number.
    reports INTEGER NOT NULL,
    archived INTEGER NOT NULL,
    archived_seq INTEGER NOT NULL,
    last_at INTEGER,
    last_received_at INTEGER,
    UNIQUE (district, code, stream)
) STRICT;
INSERT INTO meter_now (id, district, code, stream, stored_seq, highest_seq, highest_first_at, disordered,
                       reports, archived, archived_seq, last_at, last_received_at)
SELECT id, district, code, 'primary', stored_seq, highest_seq, highest_first_at, disordered,
       reports, 0, 0, last_at, last_received_at
FROM meter;
DROP TABLE meter;
ALTER TABLE meter_now RENAME TO meter;

-- Runs of numbers below highest_seq that no report came under. A number up to highest_seq is taken
-- exactly when it lies in no gap.
CREATE TABLE gap (
    meter INTEGER NOT NULL,
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    PRIMARY KEY (meter, first_seq)
) STRICT;
INSERT INTO gap (meter, first_seq, last_seq)
SELECT meter, before + 1, seq - 1
FROM (SELECT meter, seq, LAG(seq, 1, 0) OVER (PARTITION BY meter ORDER BY seq) AS before FROM report) AS r
WHERE seq > before + 1;
UPDATE meter SET stored_seq =
    COALESCE((SELECT MIN(first_seq) - 1 FROM gap WHERE gap.meter = meter.id), highest_seq);

-- The beginning that a stream's reports share.
CREATE TABLE report_head (
    meter INTEGER NOT NULL PRIMARY KEY,
    bytes BLOB NOT NULL
) STRICT;

-- No district: the meter's row has it, and it would stand in every row. No foreign key to meter: it
-- would be looked up for every report, and ids come from meter itself. No index by time: it would
-- halve the rate at which reports are stored; sequence numbers stand in for it while they rise with
-- time, which meter.disordered says.
CREATE TABLE report_now (
    meter INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    -- When it ends and came in, and its bytes but for those it shares with the stream's head; see
    -- docs/storage.md.
    packed BLOB NOT NULL,
    UNIQUE (meter, seq)
) STRICT;
-- What is there keeps all its bytes, behind numbers of seven bytes each.
INSERT INTO report_now (meter, seq, first_at, packed)
SELECT meter, seq, first_at, CAST(X'00FF' || unhex(printf('%X', lasts)) || unhex(printf('%X', travels)) || bytes AS BLOB)
FROM (
    SELECT place, meter, seq, first_at, bytes,
           ((lasts & 127 | 128) << 48) | ((lasts >> 7 & 127 | 128) << 40) | ((lasts >> 14 & 127 | 128) << 32) |
           ((lasts >> 21 & 127 | 128) << 24) | ((lasts >> 28 & 127 | 128) << 16) |
           ((lasts >> 35 & 127 | 128) << 8) | (lasts >> 42 & 127) AS lasts,
           ((travels & 127 | 128) << 48) | ((travels >> 7 & 127 | 128) << 40) | ((travels >> 14 & 127 | 128) << 32) |
           ((travels >> 21 & 127 | 128) << 24) | ((travels >> 28 & 127 | 128) << 16) |
           ((travels >> 35 & 127 | 128) << 8) | (travels >> 42 & 127) AS travels
    FROM (
        SELECT rowid AS place, meter, seq, first_at, bytes,
               CASE WHEN last_at >= first_at THEN (last_at - first_at) * 2 ELSE (first_at - last_at) * 2 - 1 END AS lasts,
               CASE WHEN received_at >= last_at THEN (received_at - last_at) * 2 ELSE (last_at - received_at) * 2 - 1 END AS travels
        FROM report) AS spans) AS numbers
ORDER BY place;
DROP TABLE report;
ALTER TABLE report_now RENAME TO report;

-- What reports were made from that came without a number: the same source again is the same report.
CREATE TABLE appended (
    meter INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (meter, sha256)
) STRICT;
