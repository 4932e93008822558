-- How often the user's email address has changed. A link that undoes a change has the number of that change, so that
-- links are ordered by it and not by the clocks of servers.
ALTER TABLE users ADD COLUMN email_version BIGINT NOT NULL DEFAULT 0;
ALTER TABLE links ADD COLUMN email_version BIGINT NOT NULL DEFAULT 0;
