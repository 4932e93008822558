-- Whether a session's cookies outlive the browser ("remember me").
ALTER TABLE sessions ADD COLUMN persistent INTEGER NOT NULL DEFAULT 0;
