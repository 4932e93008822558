-- Lists and limits read only the live sessions of a user, the newest first.
CREATE INDEX sessions_live ON sessions (subject, created_at DESC, id) WHERE revoked_at IS NULL;
DROP INDEX sessions_subject;
