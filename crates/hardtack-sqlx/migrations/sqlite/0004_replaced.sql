-- Whether a session ended because its browser got a new one. A late request of the old session must not delete the
-- cookies of the new one, whichever process handles it.
ALTER TABLE sessions ADD COLUMN replaced INTEGER NOT NULL DEFAULT 0;
ALTER TABLE revocations ADD COLUMN replaced INTEGER NOT NULL DEFAULT 0;
