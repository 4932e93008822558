-- The public key (a JWK) of the device that a session is bound to, and the time when the session was bound.
ALTER TABLE sessions ADD COLUMN bound_key TEXT;
ALTER TABLE sessions ADD COLUMN bound_at BIGINT;
