-- What happened to each account, shown to its user. Contains no secrets. There is no foreign key to users: rows are
-- written in batches, and one that referred to a deleted user would fail the whole batch.
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
