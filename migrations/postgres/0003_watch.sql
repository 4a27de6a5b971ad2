-- What the station should know without asking: alarms, water that ran, and each meter's memory.

CREATE TABLE alarm (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    district BIGINT NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    -- Where the kind stands in the list of kinds: the lowest is the most urgent.
    urgency BIGINT NOT NULL,
    -- What it is about: of a kind, one alarm at a time is open for each.
    subject TEXT COLLATE "C" NOT NULL,
    meter TEXT COLLATE "C",
    outlet TEXT COLLATE "C",
    -- By the meter's clock, where a reading is what was seen.
    since BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    times BIGINT NOT NULL,
    -- What was seen last, as JSON.
    cause TEXT COLLATE "C" NOT NULL,
    raised_at BIGINT NOT NULL,
    cleared_at BIGINT,
    acknowledged_at BIGINT,
    acknowledged_by TEXT COLLATE "C",
    note TEXT COLLATE "C"
);
CREATE UNIQUE INDEX alarm_open ON alarm (district, kind, subject) WHERE cleared_at IS NULL;
CREATE INDEX alarm_by_urgency ON alarm (district, urgency, id) WHERE cleared_at IS NULL;
CREATE INDEX alarm_cleared ON alarm (district, id) WHERE cleared_at IS NOT NULL;
CREATE INDEX alarm_by_meter ON alarm (district, meter, id);

-- Water that ran, from start to stop; what no turn overlaps is proposed as one.
CREATE TABLE proposal (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    district BIGINT NOT NULL,
    meter TEXT COLLATE "C" NOT NULL,
    outlet TEXT COLLATE "C" NOT NULL,
    from_at BIGINT NOT NULL,
    to_at BIGINT NOT NULL,
    litres BIGINT NOT NULL,
    -- 1 while it runs, as far as the readings go.
    running BIGINT NOT NULL,
    -- open, accepted or dismissed.
    state TEXT COLLATE "C" NOT NULL,
    turn TEXT COLLATE "C",
    decided_at BIGINT,
    decided_by TEXT COLLATE "C",
    reason TEXT COLLATE "C",
    UNIQUE (district, meter, from_at)
);
CREATE INDEX proposal_open ON proposal (district, id) WHERE state = 'open';

CREATE TABLE meter_watch (
    district BIGINT NOT NULL,
    meter TEXT COLLATE "C" NOT NULL,
    -- Grows with each step: of two servers that take the same step, one is too late.
    version BIGINT NOT NULL,
    -- meter.reports at the last step; another number there says that something came since.
    reports BIGINT NOT NULL,
    -- When to look again even if nothing comes.
    look_at BIGINT,
    state TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (district, meter)
);

-- What was reported before there were alarms raises none; only what is missing is looked at.
INSERT INTO meter_watch (district, meter, version, reports, state)
SELECT district, code, 1, CASE WHEN stored_seq < highest_seq THEN -1 ELSE reports END,
       '{"seq":' || highest_seq || ',"gaps":[' || COALESCE(
           (SELECT string_agg('[' || first_seq || ',' || last_seq || ']', ',' ORDER BY first_seq) FROM (
           SELECT first_seq, last_seq FROM gap WHERE gap.meter = meter.id ORDER BY first_seq LIMIT 32) AS g),
           '') || ']}'
FROM meter WHERE stream = 'primary';
