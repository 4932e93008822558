-- The session in which the user last changed the password. NULL if the password was set in another way, such as with a
-- link. If the browser sends the form of this change again, the server recognizes it.
ALTER TABLE users ADD COLUMN password_changed_by TEXT COLLATE "C"
