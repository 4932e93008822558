-- Since when it is known that they read the address's mail; from then on its spelling in lower case, to find them.
ALTER TABLE users ADD COLUMN email_key TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN email_confirmed_at INTEGER;
CREATE INDEX users_confirmed_email ON users (email_key) WHERE email_confirmed_at IS NOT NULL;

-- Links that were sent by mail. Of the secret in them there is only a hash here.
CREATE TABLE links (
    token_hash TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    purpose TEXT NOT NULL,
    address TEXT NOT NULL, -- where it was sent
    password_version INTEGER NOT NULL, -- that of the user when it was made
    created_at INTEGER NOT NULL, -- seconds since 1970-01-01T00:00:00Z
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX links_user ON links (user_id, purpose);
CREATE INDEX links_expiry ON links (expires_at);
