-- The id of the session store that contains the sessions. Only processes that use this store carry out the intention.
-- If the id is NULL, any process may carry out the intention.
ALTER TABLE pending_ends ADD COLUMN store TEXT COLLATE "C";
