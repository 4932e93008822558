-- Emails that have to be sent because of a stored change. A row is added in the transaction of the change and deleted
-- when the mailer has accepted the message. A row contains no secret: the token of a link is made when it is sent.
CREATE TABLE mail_jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    rank INTEGER NOT NULL, -- lower is sent first: 0 is a warning, 1 a reset link, 2 a confirmation
    user_id TEXT NOT NULL,
    username TEXT NOT NULL,
    address TEXT NOT NULL, -- the recipient
    email_version INTEGER NOT NULL, -- users.email_version after the change
    requested_at INTEGER NOT NULL, -- when the change was requested, by the server's clock
    created_at INTEGER NOT NULL DEFAULT (unixepoch()),
    attempts INTEGER NOT NULL DEFAULT 0,
    -- A job is due unless it was claimed less than `pause` seconds ago.
    claimed_at INTEGER NOT NULL DEFAULT 0,
    pause INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX mail_jobs_order ON mail_jobs (rank, number);
CREATE INDEX mail_jobs_user ON mail_jobs (user_id);
