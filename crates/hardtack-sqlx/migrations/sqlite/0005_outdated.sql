-- The generation up to which a session's access tokens are outdated, because its claims have changed since they were
-- issued. In the log, it is set for sessions that continue.
ALTER TABLE sessions ADD COLUMN outdated_generation INTEGER NOT NULL DEFAULT 0;
ALTER TABLE revocations ADD COLUMN outdated_generation INTEGER;
