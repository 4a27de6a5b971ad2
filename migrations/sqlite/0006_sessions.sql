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
