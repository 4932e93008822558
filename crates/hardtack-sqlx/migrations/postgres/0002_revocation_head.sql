-- The sequence number of the newest entry that the log ever had. A transaction that writes to the log increments it
-- and so waits for earlier writers: numbers follow the order of commits, without gaps. An identity column would
-- follow the order of statements, and would skip the numbers of transactions that fail.
CREATE TABLE revocation_head (
    sequence BIGINT NOT NULL
);

INSERT INTO revocation_head VALUES (0);
