-- Whether a session ended because its browser got another one: its late requests must not delete the cookies
-- of that one, whichever process answers them.
ALTER TABLE sessions ADD COLUMN replaced INTEGER NOT NULL DEFAULT 0;
ALTER TABLE revocations ADD COLUMN replaced INTEGER NOT NULL DEFAULT 0;
