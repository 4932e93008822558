-- Whether the session's cookies remain when the browser is closed ("remember me").
ALTER TABLE sessions ADD COLUMN persistent INTEGER NOT NULL DEFAULT 0;
