-- The sequence of the newest entry of the log there ever was. A writer raises it and so waits for the
-- writers before it: numbers are given in the order of the commits, and none is skipped. An identity
-- column would give them in the order of the statements, and skip those of transactions that fail.
CREATE TABLE revocation_head (
    sequence BIGINT NOT NULL
);

INSERT INTO revocation_head VALUES (0);
