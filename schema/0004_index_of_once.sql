-- The index of `once` becomes tables of their own, so that keys need not come into it in the order in which they are
-- claimed, each changing a page of its own, but can wait until many are put there in the order of the keys.
CREATE TABLE once_own (
    key_hmac BLOB PRIMARY KEY,   -- a transaction's own: those of one time lie together
    serial   INTEGER NOT NULL    -- of once
) STRICT, WITHOUT ROWID;
CREATE TABLE once_key (
    key_hmac BLOB PRIMARY KEY,   -- any other
    serial   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
-- How far that is done: up to indexed_until all are there, and of the batch after them, up to batch_until, the first
-- `moved` in the order of the keys. The others wait.
CREATE TABLE once_progress (
    one           INTEGER PRIMARY KEY CHECK (one = 1),
    indexed_until INTEGER NOT NULL,   -- serial of once
    batch_until   INTEGER NOT NULL,   -- the same number when there is no batch
    moved         INTEGER NOT NULL,
    unproven      INTEGER NOT NULL    -- rows of once up to here have no proof
) STRICT;

CREATE TABLE once_without_index (
    serial             INTEGER PRIMARY KEY,
    key_hmac           BLOB    NOT NULL,   -- of scope and key
    scope              TEXT    NOT NULL,
    fingerprint_hmac   BLOB,
    transaction_serial INTEGER NOT NULL,
    version            INTEGER NOT NULL,
    own                INTEGER NOT NULL,   -- 1: its transaction's own; it begins with the time of its id
    proof              BLOB                -- keyed, of all this
) STRICT;
INSERT INTO once_without_index
    SELECT o.serial, key_hmac, scope, fingerprint_hmac, transaction_serial, o.version,
           ifnull(substr(key_hmac, 1, 6) = substr(t.id, 1, 6), 0), NULL
    FROM once o LEFT JOIN transaction_state t ON t.serial = o.transaction_serial ORDER BY o.serial;
DROP TABLE once;
ALTER TABLE once_without_index RENAME TO once;

INSERT INTO once_own SELECT key_hmac, serial FROM once WHERE own = 1 ORDER BY key_hmac;
INSERT INTO once_key SELECT key_hmac, serial FROM once WHERE own = 0 ORDER BY key_hmac;
INSERT INTO once_progress SELECT 1, ifnull(max(serial), 0), ifnull(max(serial), 0), 0, ifnull(max(serial), 0) FROM once;

-- A row of once that waits is nowhere else: that one is missing the seal tells.
ALTER TABLE seal ADD COLUMN claims INTEGER;   -- the last serial of once
