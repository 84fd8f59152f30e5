-- The index of `once` by random keys has only their first bytes: so more of them share a page. Two keys that begin the
-- same are told apart by their rows in `once`.
CREATE TABLE once_key_short (
    key_start BLOB    NOT NULL,   -- the first 6 bytes of key_hmac
    serial    INTEGER NOT NULL,   -- of once
    PRIMARY KEY (key_start, serial)
) STRICT, WITHOUT ROWID;
INSERT INTO once_key_short SELECT substr(key_hmac, 1, 6), serial FROM once_key ORDER BY key_hmac;
DROP TABLE once_key;
ALTER TABLE once_key_short RENAME TO once_key;
