-- How a name can be read because of its capital letters: as it looks ("paypaI" looks like "paypal"), or, if it is
-- written in capital letters, with an i for each character that looks like a capital I ("MlKE" is read as "mike"). Both
-- are skeletons. NULL if the name is read like its skeleton in lower case.
ALTER TABLE users ADD COLUMN look_of_capitals TEXT;
ALTER TABLE users ADD COLUMN look_with_i TEXT;
CREATE INDEX users_look_of_capitals ON users (look_of_capitals);
CREATE INDEX users_look_with_i ON users (look_with_i);

-- The version of the rules by which the program computed the key, the skeleton and the two columns above.
ALTER TABLE users ADD COLUMN name_rules INTEGER NOT NULL DEFAULT 0;
CREATE INDEX users_name_rules ON users (name_rules);

-- How often the user's sessions were ended by a change to the user or by an operator.
ALTER TABLE users ADD COLUMN sessions_ended INTEGER NOT NULL DEFAULT 0;
