-- email_key is the address in lower case, for comparison. email_confirmed_at is the time at which the user opened a
-- confirmation link sent to the current address; NULL until then.
ALTER TABLE users ADD COLUMN email_key TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN email_confirmed_at BIGINT;
CREATE INDEX users_confirmed_email ON users (email_key) WHERE email_confirmed_at IS NOT NULL;

-- Links that were sent by email. Only a hash of each link's token is stored.
CREATE TABLE links (
    token_hash TEXT COLLATE "C" PRIMARY KEY,
    user_id TEXT COLLATE "C" NOT NULL,
    purpose TEXT COLLATE "C" NOT NULL,
    address TEXT NOT NULL, -- the address that the link was sent to
    password_version BIGINT NOT NULL, -- users.password_version when the link was created
    created_at BIGINT NOT NULL, -- seconds since 1970-01-01T00:00:00Z
    expires_at BIGINT NOT NULL
);

CREATE INDEX links_user ON links (user_id, purpose);
CREATE INDEX links_expiry ON links (expires_at);
