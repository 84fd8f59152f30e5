-- What was handed over about a person is sealed with a key that can be shredded: a row that is deleted may leave
-- copies of itself in the file, wherever SQLite moved it before.

CREATE TABLE person_key (
    number INTEGER PRIMARY KEY,   -- rising; rows are appended and overwritten, never moved and never deleted
    salt   BLOB    NOT NULL       -- the key is made of it and the master key; all zero: shredded
) STRICT;

-- Rows from before have their JSON in clear and no key.
ALTER TABLE customer ADD COLUMN key_number INTEGER;
ALTER TABLE customer ADD COLUMN sealed BLOB;
ALTER TABLE document ADD COLUMN key_number INTEGER;
ALTER TABLE document ADD COLUMN sealed BLOB;
