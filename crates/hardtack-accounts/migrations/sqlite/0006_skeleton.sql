-- Names that look alike have the same skeleton. NULL for a user whose skeleton another user already had.
ALTER TABLE users ADD COLUMN skeleton TEXT;
CREATE UNIQUE INDEX users_skeleton ON users (skeleton)
