-- What happened to somebody's account, for themselves. No secret is in it. Not tied to the users by a key:
-- what cannot be written for one must not hold up the others.
CREATE TABLE activity (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL, -- seconds since 1970-01-01T00:00:00Z
    session TEXT,
    address TEXT,
    user_agent TEXT
) STRICT;

CREATE INDEX activity_user ON activity (user_id, id);
CREATE INDEX activity_at ON activity (at);
