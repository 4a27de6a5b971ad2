-- Payments against bills: facts that are added and never changed.

-- The last receipt number of each district; whoever records payments holds its row.
CREATE TABLE payment_book (
    district INTEGER NOT NULL PRIMARY KEY REFERENCES district (id),
    last_receipt INTEGER NOT NULL
) STRICT;

CREATE TABLE payment (
    district INTEGER NOT NULL,
    receipt INTEGER NOT NULL,
    household TEXT NOT NULL,
    -- The household's village when it paid.
    village TEXT NOT NULL,
    amount_fen INTEGER NOT NULL,
    way TEXT NOT NULL,
    paid_at INTEGER NOT NULL,
    -- The year in which it was paid, by the calendar of Beijing.
    year INTEGER NOT NULL,
    reference TEXT,
    note TEXT,
    recorded_by TEXT NOT NULL,
    recorded_at INTEGER NOT NULL,
    -- SHA-256 of the request that records it, and its place there.
    request BLOB NOT NULL,
    place INTEGER NOT NULL,
    PRIMARY KEY (district, receipt)
) STRICT;
CREATE UNIQUE INDEX payment_by_request ON payment (district, request, place);
-- Other content under one reference may follow a reversal; the same content never stands twice.
CREATE UNIQUE INDEX payment_by_reference ON payment (district, reference, household, amount_fen) WHERE reference IS NOT NULL;
CREATE INDEX payment_by_household ON payment (district, household, receipt);
CREATE INDEX payment_by_village ON payment (district, village, year);

CREATE TABLE payment_reversal (
    district INTEGER NOT NULL,
    receipt INTEGER NOT NULL,
    reason TEXT NOT NULL,
    reversed_by TEXT NOT NULL,
    reversed_at INTEGER NOT NULL,
    PRIMARY KEY (district, receipt),
    FOREIGN KEY (district, receipt) REFERENCES payment (district, receipt)
) STRICT;
