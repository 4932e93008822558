-- Whether a session ended because its browser got a new one. A late request of the old session must not delete the
-- cookies of the new one, whichever process handles it.
ALTER TABLE sessions ADD COLUMN replaced BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE revocations ADD COLUMN replaced BOOLEAN NOT NULL DEFAULT FALSE;
