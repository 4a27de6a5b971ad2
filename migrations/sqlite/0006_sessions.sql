-- Who has just shown by a signature that a key is theirs.

-- SHA-256 of a nonce that was given out and not answered yet.
CREATE TABLE challenge (
    id INTEGER PRIMARY KEY,
    district INTEGER NOT NULL,
    nonce_sha256 BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    UNIQUE (district, nonce_sha256)
) STRICT;
CREATE INDEX challenge_by_expiry ON challenge (district, expires_at);

-- SHA-256 of a token, and the fingerprint of the key that its bearer signed with.
CREATE TABLE session (
    id INTEGER PRIMARY KEY,
    district INTEGER NOT NULL,
    token_sha256 BLOB NOT NULL,
    fingerprint BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    UNIQUE (district, token_sha256)
) STRICT;
CREATE INDEX session_by_expiry ON session (district, expires_at);
CREATE INDEX session_by_key ON session (district, fingerprint, id);

-- A code that somebody may enrol a key with, once; SHA-256 of it, and the enrolment as JSON but for the key.
CREATE TABLE invitation (
    id INTEGER PRIMARY KEY,
    district INTEGER NOT NULL,
    code_sha256 BLOB NOT NULL,
    enrolment TEXT NOT NULL,
    invited_by TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    statement INTEGER REFERENCES statement (id),
    UNIQUE (district, code_sha256)
) STRICT;
