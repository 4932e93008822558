-- The id of the session store in which the sessions are, if it is known. Only processes that use this store carry out
-- the intention. Without an id, every process may carry it out.
ALTER TABLE pending_ends ADD COLUMN store TEXT;
