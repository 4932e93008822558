-- The sequence of the newest entry of the log there ever was. A writer raises it and so waits for the
-- writers before it: numbers are given in the order of the commits, and none is skipped.
CREATE TABLE revocation_head (
    sequence INTEGER NOT NULL
) STRICT;

INSERT INTO revocation_head
SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = 'revocations';
