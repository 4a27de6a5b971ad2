-- The first schema. Its twin in ../sqlite holds the same tables and columns.
-- Times are Unix milliseconds, flags are 0 or 1. Every table carries its district.
-- COLLATE "C": texts sort by their bytes, as on the other engine, whatever the server's locale.

CREATE TABLE district (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code TEXT COLLATE "C" NOT NULL UNIQUE
);

-- Meters and what they reported ---------------------------------------------------------------

CREATE TABLE meter (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    district BIGINT NOT NULL REFERENCES district (id),
    code TEXT COLLATE "C" NOT NULL,
    -- Reports 1 to stored_seq are stored without a gap.
    stored_seq BIGINT NOT NULL,
    highest_seq BIGINT NOT NULL,
    -- When the report with highest_seq starts.
    highest_first_at BIGINT,
    -- 1 once a report was stored that starts before one with a lower number: then times are no order.
    disordered BIGINT NOT NULL,
    -- 1 when the last look past stored_seq ended at its limit and not at a gap.
    catching_up BIGINT NOT NULL,
    reports BIGINT NOT NULL,
    last_at BIGINT,
    last_received_at BIGINT,
    UNIQUE (district, code)
);

-- No foreign key to meter: it would be looked up for every report, and ids come from meter itself.
-- No index by time: it would halve the rate at which reports are stored. Sequence numbers stand in
-- for it while they rise with time, which meter.disordered says.
CREATE TABLE report (
    district BIGINT NOT NULL,
    meter BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    bytes BYTEA NOT NULL,
    UNIQUE (meter, seq)
);

CREATE TABLE quarantine (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    district BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    topic TEXT COLLATE "C" NOT NULL,
    meter TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    detail TEXT COLLATE "C" NOT NULL,
    payload BYTEA NOT NULL,
    payload_bytes BIGINT NOT NULL
);
CREATE INDEX quarantine_by_age ON quarantine (district, id);

CREATE TABLE quarantine_count (
    district BIGINT NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (district, reason)
);

-- Rounds, turns, requests ---------------------------------------------------------------------

CREATE TABLE round (
    district BIGINT NOT NULL,
    code TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    opens_at BIGINT NOT NULL,
    closes_at BIGINT NOT NULL,
    PRIMARY KEY (district, code)
);

CREATE TABLE statement (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    district BIGINT NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    village TEXT COLLATE "C",
    state TEXT COLLATE "C" NOT NULL,
    payload_type TEXT COLLATE "C" NOT NULL,
    payload BYTEA NOT NULL,
    payload_sha256 BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    posted_index BIGINT,
    refused_by TEXT COLLATE "C",
    refusal TEXT COLLATE "C"
);
CREATE INDEX statement_by_state ON statement (district, state, id);
CREATE INDEX statement_by_village ON statement (district, village, state, id);
CREATE INDEX statement_by_payload ON statement (district, payload_sha256);
CREATE UNIQUE INDEX statement_by_posting ON statement (district, posted_index) WHERE posted_index IS NOT NULL;

CREATE TABLE turn (
    district BIGINT NOT NULL,
    code TEXT COLLATE "C" NOT NULL,
    round TEXT COLLATE "C" NOT NULL,
    outlet TEXT COLLATE "C" NOT NULL,
    village TEXT COLLATE "C" NOT NULL,
    plan TEXT COLLATE "C" NOT NULL,
    opened_at BIGINT NOT NULL,
    closed_at BIGINT,
    statement BIGINT REFERENCES statement (id),
    PRIMARY KEY (district, code),
    FOREIGN KEY (district, round) REFERENCES round (district, code)
);
CREATE UNIQUE INDEX turn_open ON turn (district, outlet) WHERE closed_at IS NULL;
CREATE INDEX turn_by_outlet ON turn (district, outlet, closed_at);
CREATE INDEX turn_to_draft ON turn (district, closed_at) WHERE closed_at IS NOT NULL AND statement IS NULL;
CREATE INDEX turn_by_statement ON turn (statement);

CREATE TABLE request (
    district BIGINT NOT NULL,
    digest BYTEA NOT NULL,
    person TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    received_at BIGINT NOT NULL,
    envelope BYTEA NOT NULL,
    PRIMARY KEY (district, digest)
);

-- Statements awaiting signatures --------------------------------------------------------------

CREATE TABLE co_signature (
    district BIGINT NOT NULL,
    statement BIGINT NOT NULL REFERENCES statement (id),
    public_key BYTEA NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    person TEXT COLLATE "C" NOT NULL,
    signature BYTEA NOT NULL,
    received_at BIGINT NOT NULL,
    PRIMARY KEY (statement, public_key)
);

CREATE TABLE attachment (
    district BIGINT NOT NULL,
    sha256 BYTEA NOT NULL,
    media_type TEXT COLLATE "C" NOT NULL,
    bytes BYTEA NOT NULL,
    PRIMARY KEY (district, sha256)
);

CREATE TABLE statement_attachment (
    district BIGINT NOT NULL,
    statement BIGINT NOT NULL REFERENCES statement (id),
    sha256 BYTEA NOT NULL,
    PRIMARY KEY (statement, sha256),
    FOREIGN KEY (district, sha256) REFERENCES attachment (district, sha256)
);
CREATE INDEX statement_attachment_by_digest ON statement_attachment (district, sha256);

-- The public log ------------------------------------------------------------------------------

CREATE TABLE log_head (
    district BIGINT NOT NULL PRIMARY KEY REFERENCES district (id),
    size BIGINT NOT NULL,
    root BYTEA NOT NULL
);

CREATE TABLE log_entry (
    district BIGINT NOT NULL,
    idx BIGINT NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    village TEXT COLLATE "C",
    round TEXT COLLATE "C",
    outlet TEXT COLLATE "C",
    statement BIGINT REFERENCES statement (id),
    posted_at BIGINT NOT NULL,
    envelope BYTEA NOT NULL,
    PRIMARY KEY (district, idx)
);
CREATE INDEX log_entry_by_kind ON log_entry (district, kind, idx);

CREATE TABLE log_tile (
    district BIGINT NOT NULL,
    level BIGINT NOT NULL,
    idx BIGINT NOT NULL,
    hashes BYTEA NOT NULL,
    PRIMARY KEY (district, level, idx)
);

CREATE TABLE log_checkpoint (
    district BIGINT NOT NULL PRIMARY KEY REFERENCES district (id),
    size BIGINT NOT NULL,
    note BYTEA NOT NULL
);

-- What pages read: derived from the log's entries, rebuilt from them if need be ----------------

CREATE TABLE watering (
    district BIGINT NOT NULL,
    idx BIGINT NOT NULL,
    village TEXT COLLATE "C" NOT NULL,
    round TEXT COLLATE "C" NOT NULL,
    outlet TEXT COLLATE "C" NOT NULL,
    start_at BIGINT NOT NULL,
    end_at BIGINT NOT NULL,
    volume_l BIGINT NOT NULL,
    estimated BIGINT NOT NULL,
    superseded_by BIGINT,
    PRIMARY KEY (district, idx)
);
CREATE INDEX watering_by_round ON watering (district, village, round, idx);
CREATE INDEX watering_by_outlet ON watering (district, outlet, end_at);

CREATE TABLE share (
    district BIGINT NOT NULL,
    household TEXT COLLATE "C" NOT NULL,
    watering_idx BIGINT NOT NULL,
    area BIGINT NOT NULL,
    litres BIGINT NOT NULL,
    PRIMARY KEY (district, watering_idx, household)
);
CREATE INDEX share_by_household ON share (district, household, watering_idx);

CREATE TABLE bill_run (
    district BIGINT NOT NULL,
    run_idx BIGINT NOT NULL,
    village TEXT COLLATE "C" NOT NULL,
    -- NULL for the year's settlement.
    round TEXT COLLATE "C",
    year BIGINT NOT NULL,
    bills BIGINT NOT NULL,
    total_fen BIGINT NOT NULL,
    PRIMARY KEY (district, run_idx)
);
CREATE INDEX bill_run_by_village ON bill_run (district, village, run_idx);

CREATE TABLE bill (
    district BIGINT NOT NULL,
    run_idx BIGINT NOT NULL,
    household TEXT COLLATE "C" NOT NULL,
    year BIGINT NOT NULL,
    total_fen BIGINT NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (district, run_idx, household)
);
CREATE INDEX bill_by_household ON bill (district, household, run_idx);

-- Sums kept as entries are posted, so that the board's first page does not add up the whole log.
CREATE TABLE round_total (
    district BIGINT NOT NULL,
    village TEXT COLLATE "C" NOT NULL,
    -- Empty for what belongs to the year and to no round.
    round TEXT COLLATE "C" NOT NULL,
    waterings BIGINT NOT NULL,
    volume_l BIGINT NOT NULL,
    billed_fen BIGINT NOT NULL,
    PRIMARY KEY (district, village, round)
);

-- Personal: stands beside the log, never in it, and can be removed.
CREATE TABLE holder (
    district BIGINT NOT NULL,
    household TEXT COLLATE "C" NOT NULL,
    masked_name TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (district, household)
);
