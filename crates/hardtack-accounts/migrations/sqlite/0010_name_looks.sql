-- What the names of users look like: skeletons (UTS #39), in lower case, of each name as it is written, in small letters
-- and in capital letters. Two names that look alike share a look, and each look belongs to one user. If two users had
-- such names before these rules, the look belongs to the older user. The other user has no users.skeleton.
CREATE TABLE name_looks (
    look TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON UPDATE CASCADE ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX name_looks_user ON name_looks (user_id);

-- The table replaces these two columns.
DROP INDEX users_look_of_capitals;
DROP INDEX users_look_with_i;
ALTER TABLE users DROP COLUMN look_of_capitals;
ALTER TABLE users DROP COLUMN look_with_i;
