-- The generation up to which a session's access tokens are outdated, since its claims changed after they were
-- made. An entry of the log has it where the session goes on.
ALTER TABLE sessions ADD COLUMN outdated_generation INTEGER NOT NULL DEFAULT 0;
ALTER TABLE revocations ADD COLUMN outdated_generation INTEGER;
