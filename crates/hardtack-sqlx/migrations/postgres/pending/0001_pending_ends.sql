-- Intentions to end a user's sessions in another store. Each is written in the transaction of the change that
-- requires it, and deleted when the sessions have ended. A number is never used twice.
CREATE TABLE pending_ends (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject TEXT COLLATE "C" NOT NULL,
    kept TEXT COLLATE "C", -- the id of the session that continues, if any
    created_at BIGINT NOT NULL DEFAULT EXTRACT(EPOCH FROM clock_timestamp())::BIGINT
);

CREATE INDEX pending_ends_subject ON pending_ends (subject);
