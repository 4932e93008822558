-- Whether the session's cookies remain when the browser is closed ("remember me").
ALTER TABLE sessions ADD COLUMN persistent BOOLEAN NOT NULL DEFAULT FALSE;
