-- Emails that have to be sent because of a stored change. A row is added in the transaction of the change and deleted
-- when the mailer has accepted the message. A row contains no secret: the token of a link is made when it is sent.
CREATE TABLE mail_jobs (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL,
    rank BIGINT NOT NULL, -- lower is sent first: 0 is a warning, 1 a reset link, 2 a confirmation
    user_id TEXT COLLATE "C" NOT NULL,
    username TEXT NOT NULL,
    address TEXT NOT NULL, -- the recipient
    email_version BIGINT NOT NULL, -- users.email_version after the change
    requested_at BIGINT NOT NULL, -- when the change was requested, by the server's clock
    created_at BIGINT NOT NULL DEFAULT EXTRACT(EPOCH FROM clock_timestamp())::BIGINT,
    attempts BIGINT NOT NULL DEFAULT 0,
    -- A job is due unless it was claimed less than `pause` seconds ago.
    claimed_at BIGINT NOT NULL DEFAULT 0,
    pause BIGINT NOT NULL DEFAULT 0
);

CREATE INDEX mail_jobs_order ON mail_jobs (rank, number);
CREATE INDEX mail_jobs_user ON mail_jobs (user_id);
