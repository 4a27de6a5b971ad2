-- Payments against bills: facts that are added and never changed.

-- The last receipt number of each district; whoever records payments holds its row.
CREATE TABLE payment_book (
    district BIGINT NOT NULL PRIMARY KEY REFERENCES district (id),
    last_receipt BIGINT NOT NULL
);

CREATE TABLE payment (
    district BIGINT NOT NULL,
    receipt BIGINT NOT NULL,
    household TEXT COLLATE "C" NOT NULL,
    -- The household's village when it paid.
    village TEXT COLLATE "C" NOT NULL,
    amount_fen BIGINT NOT NULL,
    way TEXT COLLATE "C" NOT NULL,
    paid_at BIGINT NOT NULL,
    -- The year in which it was paid, by the calendar of Beijing.
    year BIGINT NOT NULL,
    reference TEXT COLLATE "C",
    note TEXT COLLATE "C",
    recorded_by TEXT COLLATE "C" NOT NULL,
    recorded_at BIGINT NOT NULL,
    -- SHA-256 of the request that records it, and its place there.
    request BYTEA NOT NULL,
    place BIGINT NOT NULL,
    PRIMARY KEY (district, receipt)
);
CREATE UNIQUE INDEX payment_by_request ON payment (district, request, place);
-- Other content under one reference may follow a reversal; the same content never stands twice.
CREATE UNIQUE INDEX payment_by_reference ON payment (district, reference, household, amount_fen) WHERE reference IS NOT NULL;
CREATE INDEX payment_by_household ON payment (district, household, receipt);
CREATE INDEX payment_by_village ON payment (district, village, year);

CREATE TABLE payment_reversal (
    district BIGINT NOT NULL,
    receipt BIGINT NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    reversed_by TEXT COLLATE "C" NOT NULL,
    reversed_at BIGINT NOT NULL,
    PRIMARY KEY (district, receipt),
    FOREIGN KEY (district, receipt) REFERENCES payment (district, receipt)
);
