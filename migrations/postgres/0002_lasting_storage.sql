-- Storage that lasts: a meter's two streams, gaps kept as they open and close, reports without what
-- repeats and cut by month, and what was moved to archive files. Its twin is in ../sqlite.

ALTER TABLE meter
    -- primary: what the meter or its gateway signed; manual: readings entered by hand.
    ADD COLUMN stream TEXT COLLATE "C" NOT NULL DEFAULT 'primary',
    -- How many of the reports lie in archive files, up to which number.
    ADD COLUMN archived BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN archived_seq BIGINT NOT NULL DEFAULT 0,
    DROP COLUMN catching_up,
    DROP CONSTRAINT meter_district_code_key,
    ADD UNIQUE (district, code, stream);
ALTER TABLE meter
    ALTER COLUMN stream DROP DEFAULT,
    ALTER COLUMN archived DROP DEFAULT,
    ALTER COLUMN archived_seq DROP DEFAULT;
-- Every batch changes the rows of its meters: with room on their pages no index changes with them.
ALTER TABLE meter SET (fillfactor = 50);

-- Runs of numbers below highest_seq that no report came under. A number up to highest_seq is taken
-- exactly when it lies in no gap.
CREATE TABLE gap (
    meter BIGINT NOT NULL,
    first_seq BIGINT NOT NULL,
    last_seq BIGINT NOT NULL,
    PRIMARY KEY (meter, first_seq)
);
INSERT INTO gap (meter, first_seq, last_seq)
SELECT meter, before + 1, seq - 1
FROM (SELECT meter, seq, LAG(seq, 1, 0::BIGINT) OVER (PARTITION BY meter ORDER BY seq) AS before FROM report) AS r
WHERE seq > before + 1;
UPDATE meter SET stored_seq =
    COALESCE((SELECT MIN(first_seq) - 1 FROM gap WHERE gap.meter = meter.id), highest_seq);

-- The beginning that a stream's reports share.
CREATE TABLE report_head (
    meter BIGINT NOT NULL PRIMARY KEY,
    bytes BYTEA NOT NULL
);

ALTER TABLE report RENAME TO report_before;

-- No district: the meter's row has it, and it would stand in every row. No foreign key to meter: it
-- would be looked up for every report, and ids come from meter itself. No index by time: it would
-- halve the rate at which reports are stored; sequence numbers stand in for it while they rise with
-- time, which meter.disordered says.
--
-- A unique key over the whole table would have to hold the column that it is cut by. Each partition has
-- UNIQUE (meter, seq) instead, which is stricter and smaller; that a number is not used twice in two
-- months the program sees to: it looks, under the meter's lock, before it stores.
CREATE TABLE report (
    meter BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    -- When it ends and came in, and its bytes but for those it shares with the stream's head; see
    -- docs/storage.md.
    packed BYTEA NOT NULL
) PARTITION BY RANGE (first_at);

-- The months of the reports that are there, in Beijing (UTC+8); the program makes all others.
DO $$
DECLARE
    month TIMESTAMP;
BEGIN
    FOR month IN
        SELECT DISTINCT date_trunc('month', to_timestamp(first_at / 1000 + 28800) AT TIME ZONE 'UTC')
        FROM report_before
    LOOP
        EXECUTE format(
            'CREATE TABLE report_%s PARTITION OF report (UNIQUE (meter, seq)) FOR VALUES FROM (%s) TO (%s)',
            to_char(month, 'YYYY_MM'),
            (extract(epoch FROM month)::BIGINT - 28800) * 1000,
            (extract(epoch FROM month + INTERVAL '1 month')::BIGINT - 28800) * 1000);
    END LOOP;
END $$;
-- What is there keeps all its bytes, behind numbers of seven bytes each.
INSERT INTO report (meter, seq, first_at, packed)
SELECT meter, seq, first_at, '\x00ff'::BYTEA || decode(to_hex(lasts), 'hex') || decode(to_hex(travels), 'hex') || bytes
FROM (
    SELECT meter, seq, first_at, bytes,
           ((lasts & 127 | 128) << 48) | ((lasts >> 7 & 127 | 128) << 40) | ((lasts >> 14 & 127 | 128) << 32) |
           ((lasts >> 21 & 127 | 128) << 24) | ((lasts >> 28 & 127 | 128) << 16) |
           ((lasts >> 35 & 127 | 128) << 8) | (lasts >> 42 & 127) AS lasts,
           ((travels & 127 | 128) << 48) | ((travels >> 7 & 127 | 128) << 40) | ((travels >> 14 & 127 | 128) << 32) |
           ((travels >> 21 & 127 | 128) << 24) | ((travels >> 28 & 127 | 128) << 16) |
           ((travels >> 35 & 127 | 128) << 8) | (travels >> 42 & 127) AS travels
    FROM (
        SELECT meter, seq, first_at, bytes,
               CASE WHEN last_at >= first_at THEN (last_at - first_at) * 2 ELSE (first_at - last_at) * 2 - 1 END AS lasts,
               CASE WHEN received_at >= last_at THEN (received_at - last_at) * 2 ELSE (last_at - received_at) * 2 - 1 END AS travels
        FROM report_before) AS spans) AS numbers;
DROP TABLE report_before;

-- What reports were made from that came without a number: the same source again is the same report.
CREATE TABLE appended (
    meter BIGINT NOT NULL,
    sha256 BYTEA NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (meter, sha256)
);
