-- Entries of the log that an application writes in a transaction of its own. They get their numbers when it commits: a
-- number holds the lock on revocation_head, which all log-outs wait for, and the application may still have much to do.
CREATE TABLE unnumbered_revocations (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entries TEXT NOT NULL, -- a JSON array of objects: session, replaced, outdated_generation
    at BIGINT NOT NULL
);

CREATE FUNCTION hardtack_number_revocations() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    total BIGINT := jsonb_array_length(NEW.entries::jsonb);
    newest BIGINT;
BEGIN
    UPDATE revocation_head SET sequence = sequence + total RETURNING sequence INTO STRICT newest;
    INSERT INTO revocations (sequence, session, at, replaced, outdated_generation)
    SELECT newest - total + row_number() OVER (), entry.session, NEW.at, entry.replaced, entry.outdated_generation
    FROM jsonb_to_recordset(NEW.entries::jsonb)
        AS entry (session TEXT, replaced BOOLEAN, outdated_generation BIGINT);
    DELETE FROM unnumbered_revocations WHERE id = NEW.id;
    RETURN NULL;
END
$$;

CREATE CONSTRAINT TRIGGER unnumbered_revocations_number AFTER INSERT ON unnumbered_revocations
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION hardtack_number_revocations();
