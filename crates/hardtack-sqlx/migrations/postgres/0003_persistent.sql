-- Whether a session's cookies outlive the browser ("remember me").
ALTER TABLE sessions ADD COLUMN persistent BOOLEAN NOT NULL DEFAULT FALSE;
