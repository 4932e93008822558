-- What happened to somebody's account, for themselves. No secret is in it. Not tied to the users by a key:
-- what cannot be written for one must not hold up the others.
CREATE TABLE activity (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL, -- seconds since 1970-01-01T00:00:00Z
    session TEXT,
    address TEXT,
    user_agent TEXT
);

CREATE INDEX activity_user ON activity (user_id, id);
CREATE INDEX activity_at ON activity (at);
