-- The sequence number of the newest entry that the log ever had. A transaction that writes to the log increments it:
-- numbers follow the order of commits, without gaps.
CREATE TABLE revocation_head (
    sequence INTEGER NOT NULL
) STRICT;

INSERT INTO revocation_head
SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = 'revocations';
