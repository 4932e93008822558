-- Counters of tries. Times are in milliseconds since 1970. A counter whose times are past is deleted.
CREATE TABLE throttle (
    key BLOB PRIMARY KEY, -- an HMAC of what is counted, such as a user name: 16 bytes
    full_at INTEGER NOT NULL, -- when the bucket of all tries is full again
    failures_full_at INTEGER NOT NULL DEFAULT 0, -- when the bucket of failures in a row is full again
    spent INTEGER NOT NULL DEFAULT 0 -- how much of the emptier bucket was spent at the last try, in thousandths
) STRICT, WITHOUT ROWID;
