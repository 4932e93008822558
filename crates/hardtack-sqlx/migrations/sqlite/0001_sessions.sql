-- One row per log-in. Times are whole seconds since 1970-01-01T00:00:00Z.
CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY, -- 32 lower-case hexadecimal digits
    subject TEXT NOT NULL,
    generation INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    rotated_at INTEGER NOT NULL,
    confirmed INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    absolute_expires_at INTEGER NOT NULL,
    auth_time INTEGER NOT NULL,
    salt BLOB NOT NULL, -- 16 bytes
    claims TEXT, -- a JSON object
    user_agent TEXT,
    address TEXT,
    revoked_at INTEGER
) STRICT;

CREATE INDEX sessions_subject ON sessions (subject);
CREATE INDEX sessions_expires_at ON sessions (expires_at);
CREATE INDEX sessions_revoked_at ON sessions (revoked_at) WHERE revoked_at IS NOT NULL;

-- The revocation log, which other processes follow. With AUTOINCREMENT, a number is never used twice, even after
-- its entry was pruned.
CREATE TABLE revocations (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    session TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
