-- Emails that were handed to the mailer lately. Together with those that wait in mail_jobs, they are counted for each
-- address, user and client, so that no one can have others flooded with mail. Rows are deleted after a day.
CREATE TABLE mail_sent (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    user_id TEXT NOT NULL,
    address_key TEXT NOT NULL, -- the recipient as it is counted; begins with "withheld " if nothing was sent
    source TEXT NOT NULL, -- the client that caused it: an IPv4 address or a /64 network; empty if there is none
    at INTEGER NOT NULL -- seconds since 1970-01-01T00:00:00Z
) STRICT;

CREATE INDEX mail_sent_address ON mail_sent (address_key, at);
CREATE INDEX mail_sent_source ON mail_sent (source, at);
CREATE INDEX mail_sent_user ON mail_sent (user_id, at);
CREATE INDEX mail_sent_at ON mail_sent (at);

ALTER TABLE mail_jobs ADD COLUMN address_key TEXT NOT NULL DEFAULT '';
ALTER TABLE mail_jobs ADD COLUMN source TEXT NOT NULL DEFAULT '';
ALTER TABLE mail_jobs ADD COLUMN detail TEXT NOT NULL DEFAULT ''; -- what else the email says, such as a device
-- How many jobs of the same client or user waited when the job was added, and how often it has failed. The jobs of one
-- rank are sent in this order, so that clients and users take turns.
ALTER TABLE mail_jobs ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;
ALTER TABLE mail_jobs ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
DROP INDEX mail_jobs_order;
CREATE INDEX mail_jobs_order ON mail_jobs (rank, turn, number);
CREATE INDEX mail_jobs_address ON mail_jobs (address_key);
CREATE INDEX mail_jobs_source ON mail_jobs (source);

-- 0 for a user whom an operator has added, until the user has chosen a password.
ALTER TABLE users ADD COLUMN password_chosen INTEGER NOT NULL DEFAULT 1;
