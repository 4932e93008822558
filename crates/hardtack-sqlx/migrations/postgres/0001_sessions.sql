-- One row per log-in. Times are whole seconds since 1970-01-01T00:00:00Z. COLLATE "C" compares text byte by byte,
-- so that no index depends on the system's locales.
CREATE TABLE sessions (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY, -- 32 lower-case hexadecimal digits
    subject TEXT COLLATE "C" NOT NULL,
    generation BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    rotated_at BIGINT NOT NULL,
    confirmed BOOLEAN NOT NULL,
    expires_at BIGINT NOT NULL,
    absolute_expires_at BIGINT NOT NULL,
    auth_time BIGINT NOT NULL,
    salt BYTEA NOT NULL, -- 16 bytes
    claims TEXT, -- a JSON object
    user_agent TEXT,
    address TEXT,
    revoked_at BIGINT
);

CREATE INDEX sessions_subject ON sessions (subject);
CREATE INDEX sessions_expires_at ON sessions (expires_at);
CREATE INDEX sessions_revoked_at ON sessions (revoked_at) WHERE revoked_at IS NOT NULL;

-- The revocation log, which other processes follow.
CREATE TABLE revocations (
    sequence BIGINT NOT NULL PRIMARY KEY,
    session TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL
);

-- Listening processes are notified when the transaction that wrote to the log commits.
CREATE FUNCTION hardtack_notify_revocations() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NOTIFY hardtack_revocations;
    RETURN NULL;
END
$$;

CREATE TRIGGER revocations_notify AFTER INSERT ON revocations
FOR EACH STATEMENT EXECUTE FUNCTION hardtack_notify_revocations();
