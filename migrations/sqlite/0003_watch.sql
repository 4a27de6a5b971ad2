-- What the station should know without asking: alarms, water that ran, and each meter's memory.

CREATE TABLE alarm (
    id INTEGER PRIMARY KEY,
    district INTEGER NOT NULL,
    kind TEXT NOT NULL,
    -- Where the kind stands in the list of kinds: the lowest is the most urgent.
    urgency INTEGER NOT NULL,
    -- What it is about: of a kind, one alarm at a time is open for each.
    subject TEXT NOT NULL,
    meter TEXT,
    outlet TEXT,
    -- By the meter's clock, where a reading is what was seen.
    since INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    times INTEGER NOT NULL,
    -- What was seen last, as JSON.
    cause TEXT NOT NULL,
    raised_at INTEGER NOT NULL,
    cleared_at INTEGER,
    acknowledged_at INTEGER,
    acknowledged_by TEXT,
    note TEXT
) STRICT;
CREATE UNIQUE INDEX alarm_open ON alarm (district, kind, subject) WHERE cleared_at IS NULL;
CREATE INDEX alarm_by_urgency ON alarm (district, urgency, id) WHERE cleared_at IS NULL;
CREATE INDEX alarm_cleared ON alarm (district, id) WHERE cleared_at IS NOT NULL;
CREATE INDEX alarm_by_meter ON alarm (district, meter, id);

-- Water that ran, from start to stop; what no turn overlaps is proposed as one.
CREATE TABLE proposal (
    id INTEGER PRIMARY KEY,
    district INTEGER NOT NULL,
    meter TEXT NOT NULL,
    outlet TEXT NOT NULL,
    from_at INTEGER NOT NULL,
    to_at INTEGER NOT NULL,
    litres INTEGER NOT NULL,
    -- 1 while it runs, as far as the readings go.
    running INTEGER NOT NULL,
    -- open, accepted or dismissed.
    state TEXT NOT NULL,
    turn TEXT,
    decided_at INTEGER,
    decided_by TEXT,
    reason TEXT,
    UNIQUE (district, meter, from_at)
) STRICT;
CREATE INDEX proposal_open ON proposal (district, id) WHERE state = 'open';

CREATE TABLE meter_watch (
    district INTEGER NOT NULL,
    meter TEXT NOT NULL,
    -- Grows with each step: of two servers that take the same step, one is too late.
    version INTEGER NOT NULL,
    -- meter.reports at the last step; another number there says that something came since.
    reports INTEGER NOT NULL,
    -- When to look again even if nothing comes.
    look_at INTEGER,
    state TEXT NOT NULL,
    PRIMARY KEY (district, meter)
) STRICT;

-- What was reported before there were alarms raises none; only what is missing is looked at.
INSERT INTO meter_watch (district, meter, version, reports, state)
SELECT district, code, 1, CASE WHEN stored_seq < highest_seq THEN -1 ELSE reports END,
       '{"seq":' || highest_seq || ',"gaps":[' || COALESCE(
           (SELECT group_concat('[' || first_seq || ',' || last_seq || ']', ',') FROM (
           SELECT first_seq, last_seq FROM gap WHERE gap.meter = meter.id ORDER BY first_seq LIMIT 32) AS g),
           '') || ']}'
FROM meter WHERE stream = 'primary';
