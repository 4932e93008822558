-- Intentions to end a user's sessions in another store. Each is written in the transaction of the change that
-- requires it, and deleted when the sessions have ended. A number is never used twice.
CREATE TABLE pending_ends (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    subject TEXT NOT NULL,
    kept TEXT, -- the id of the session that continues, if any
    created_at INTEGER NOT NULL DEFAULT (unixepoch())
) STRICT;

CREATE INDEX pending_ends_subject ON pending_ends (subject);
