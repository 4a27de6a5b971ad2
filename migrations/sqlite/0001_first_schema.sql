-- The first schema. Its twin in ../postgres holds the same tables and columns.
-- Times are Unix milliseconds, flags are 0 or 1. Every table carries its district.

CREATE TABLE district (
    id INTEGER PRIMARY KEY,
    code TEXT NOT NULL UNIQUE
) STRICT;

-- Meters and what they reported ---------------------------------------------------------------

CREATE TABLE meter (
    id INTEGER PRIMARY KEY,
    district INTEGER NOT NULL REFERENCES district (id),
    code TEXT NOT NULL,
    -- Reports 1 to stored_seq are stored without a gap.
    stored_seq INTEGER NOT NULL,
    highest_seq INTEGER NOT NULL,
    -- When the report with highest_seq starts.
    highest_first_at INTEGER,
    -- 1 once a report was stored that starts before one with a lower number: then times are no order.
    disordered INTEGER NOT NULL,
    -- 1 when the last look past stored_seq ended at its limit and not at a gap.
    catching_up INTEGER NOT NULL,
    reports INTEGER NOT NULL,
    last_at INTEGER,
    last_received_at INTEGER,
    UNIQUE (district, code)
) STRICT;

-- No foreign key to meter: it would be looked up for every report, and ids come from meter itself.
-- No index by time: it would halve the rate at which reports are stored. Sequence numbers stand in
-- for it while they rise with time, which meter.disordered says.
CREATE TABLE report (
    district INTEGER NOT NULL,
    meter INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    UNIQUE (meter, seq)
) STRICT;

CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY,
    district INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    topic TEXT NOT NULL,
    meter TEXT NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    payload BLOB NOT NULL,
    payload_bytes INTEGER NOT NULL
) STRICT;
CREATE INDEX quarantine_by_age ON quarantine (district, id);

CREATE TABLE quarantine_count (
    district INTEGER NOT NULL,
    reason TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (district, reason)
) STRICT;

-- Rounds, turns, requests ---------------------------------------------------------------------

CREATE TABLE round (
    district INTEGER NOT NULL,
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    opens_at INTEGER NOT NULL,
    closes_at INTEGER NOT NULL,
    PRIMARY KEY (district, code)
) STRICT;

CREATE TABLE statement (
    id INTEGER PRIMARY KEY,
    district INTEGER NOT NULL,
    kind TEXT NOT NULL,
    village TEXT,
    state TEXT NOT NULL,
    payload_type TEXT NOT NULL,
    payload BLOB NOT NULL,
    payload_sha256 BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    posted_index INTEGER,
    refused_by TEXT,
    refusal TEXT
) STRICT;
CREATE INDEX statement_by_state ON statement (district, state, id);
CREATE INDEX statement_by_village ON statement (district, village, state, id);
CREATE INDEX statement_by_payload ON statement (district, payload_sha256);
CREATE UNIQUE INDEX statement_by_posting ON statement (district, posted_index) WHERE posted_index IS NOT NULL;

CREATE TABLE turn (
    district INTEGER NOT NULL,
    code TEXT NOT NULL,
    round TEXT NOT NULL,
    outlet TEXT NOT NULL,
    village TEXT NOT NULL,
    plan TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    closed_at INTEGER,
    statement INTEGER REFERENCES statement (id),
    PRIMARY KEY (district, code),
    FOREIGN KEY (district, round) REFERENCES round (district, code)
) STRICT;
CREATE UNIQUE INDEX turn_open ON turn (district, outlet) WHERE closed_at IS NULL;
CREATE INDEX turn_by_outlet ON turn (district, outlet, closed_at);
CREATE INDEX turn_to_draft ON turn (district, closed_at) WHERE closed_at IS NOT NULL AND statement IS NULL;
CREATE INDEX turn_by_statement ON turn (statement);

CREATE TABLE request (
    district INTEGER NOT NULL,
    digest BLOB NOT NULL,
    person TEXT NOT NULL,
    kind TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    envelope BLOB NOT NULL,
    PRIMARY KEY (district, digest)
) STRICT;

-- Statements awaiting signatures --------------------------------------------------------------

CREATE TABLE co_signature (
    district INTEGER NOT NULL,
    statement INTEGER NOT NULL REFERENCES statement (id),
    public_key BLOB NOT NULL,
    role TEXT NOT NULL,
    person TEXT NOT NULL,
    signature BLOB NOT NULL,
    received_at INTEGER NOT NULL,
    PRIMARY KEY (statement, public_key)
) STRICT;

CREATE TABLE attachment (
    district INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    media_type TEXT NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (district, sha256)
) STRICT;

CREATE TABLE statement_attachment (
    district INTEGER NOT NULL,
    statement INTEGER NOT NULL REFERENCES statement (id),
    sha256 BLOB NOT NULL,
    PRIMARY KEY (statement, sha256),
    FOREIGN KEY (district, sha256) REFERENCES attachment (district, sha256)
) STRICT;
CREATE INDEX statement_attachment_by_digest ON statement_attachment (district, sha256);

-- The public log ------------------------------------------------------------------------------

CREATE TABLE log_head (
    district INTEGER NOT NULL PRIMARY KEY REFERENCES district (id),
    size INTEGER NOT NULL,
    root BLOB NOT NULL
) STRICT;

CREATE TABLE log_entry (
    district INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    kind TEXT NOT NULL,
    village TEXT,
    round TEXT,
    outlet TEXT,
    statement INTEGER REFERENCES statement (id),
    posted_at INTEGER NOT NULL,
    envelope BLOB NOT NULL,
    PRIMARY KEY (district, idx)
) STRICT;
CREATE INDEX log_entry_by_kind ON log_entry (district, kind, idx);

CREATE TABLE log_tile (
    district INTEGER NOT NULL,
    level INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    hashes BLOB NOT NULL,
    PRIMARY KEY (district, level, idx)
) STRICT;

CREATE TABLE log_checkpoint (
    district INTEGER NOT NULL PRIMARY KEY REFERENCES district (id),
    size INTEGER NOT NULL,
    note BLOB NOT NULL
) STRICT;

-- What pages read: derived from the log's entries, rebuilt from them if need be ----------------

CREATE TABLE watering (
    district INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    village TEXT NOT NULL,
    round TEXT NOT NULL,
    outlet TEXT NOT NULL,
    start_at INTEGER NOT NULL,
    end_at INTEGER NOT NULL,
    volume_l INTEGER NOT NULL,
    estimated INTEGER NOT NULL,
    superseded_by INTEGER,
    PRIMARY KEY (district, idx)
) STRICT;
CREATE INDEX watering_by_round ON watering (district, village, round, idx);
CREATE INDEX watering_by_outlet ON watering (district, outlet, end_at);

CREATE TABLE share (
    district INTEGER NOT NULL,
    household TEXT NOT NULL,
    watering_idx INTEGER NOT NULL,
    area INTEGER NOT NULL,
    litres INTEGER NOT NULL,
    PRIMARY KEY (district, watering_idx, household)
) STRICT;
CREATE INDEX share_by_household ON share (district, household, watering_idx);

CREATE TABLE bill_run (
    district INTEGER NOT NULL,
    run_idx INTEGER NOT NULL,
    village TEXT NOT NULL,
    -- NULL for the year's settlement.
    round TEXT,
    year INTEGER NOT NULL,
    bills INTEGER NOT NULL,
    total_fen INTEGER NOT NULL,
    PRIMARY KEY (district, run_idx)
) STRICT;
CREATE INDEX bill_run_by_village ON bill_run (district, village, run_idx);

CREATE TABLE bill (
    district INTEGER NOT NULL,
    run_idx INTEGER NOT NULL,
    household TEXT NOT NULL,
    year INTEGER NOT NULL,
    total_fen INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (district, run_idx, household)
) STRICT;
CREATE INDEX bill_by_household ON bill (district, household, run_idx);

-- Sums kept as entries are posted, so that the board's first page does not add up the whole log.
CREATE TABLE round_total (
    district INTEGER NOT NULL,
    village TEXT NOT NULL,
    -- Empty for what belongs to the year and to no round.
    round TEXT NOT NULL,
    waterings INTEGER NOT NULL,
    volume_l INTEGER NOT NULL,
    billed_fen INTEGER NOT NULL,
    PRIMARY KEY (district, village, round)
) STRICT;

-- Personal: stands beside the log, never in it, and can be removed.
CREATE TABLE holder (
    district INTEGER NOT NULL,
    household TEXT NOT NULL,
    masked_name TEXT NOT NULL,
    PRIMARY KEY (district, household)
) STRICT;
