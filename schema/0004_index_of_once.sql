-- The index of `once` becomes a table of its own, so that keys need not come into it in the order in which they are
-- claimed, each changing a page of its own, but can wait until many are put there in the order of the keys. Those that
-- wait are the rows after `once_indexed_until` that are no transaction's own.
CREATE TABLE once_key (
    key_hmac BLOB PRIMARY KEY,
    serial   INTEGER NOT NULL    -- of once
) STRICT, WITHOUT ROWID;
INSERT INTO once_key SELECT key_hmac, serial FROM once ORDER BY key_hmac;

CREATE TABLE once_without_index (
    serial             INTEGER PRIMARY KEY,
    key_hmac           BLOB    NOT NULL,   -- of scope and key
    scope              TEXT    NOT NULL,
    fingerprint_hmac   BLOB,
    transaction_serial INTEGER NOT NULL,
    version            INTEGER NOT NULL,
    own                INTEGER NOT NULL    -- 1: its transaction's own, in once_key from the beginning
) STRICT;
INSERT INTO once_without_index
    SELECT serial, key_hmac, scope, fingerprint_hmac, transaction_serial, version, 0 FROM once ORDER BY serial;
DROP TABLE once;
ALTER TABLE once_without_index RENAME TO once;

INSERT INTO meta SELECT 'once_indexed_until', ifnull(max(serial), 0) FROM once;
