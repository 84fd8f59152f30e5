-- Kassi's record. Instants are milliseconds since 1970 UTC; amounts are integer minor units; ids of
-- transactions are UUID 7 as 16 bytes. Other tables name a transaction by its serial: few bytes, and rows
-- that belong together lie together. What each table is for: README.md.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES ('data_format', '1');

CREATE TABLE transaction_state (
    serial       INTEGER PRIMARY KEY,
    id           BLOB    NOT NULL UNIQUE,
    reference    TEXT    NOT NULL UNIQUE,
    system       TEXT    NOT NULL,
    caller       TEXT    NOT NULL,
    tracking     TEXT    NOT NULL,
    created      INTEGER NOT NULL,
    version      INTEGER NOT NULL,
    phase        TEXT    NOT NULL,
    due_at       INTEGER,
    settled      INTEGER NOT NULL,
    in_doubt     INTEGER NOT NULL,
    needs_person INTEGER NOT NULL,
    open_call    INTEGER NOT NULL,
    papers       INTEGER NOT NULL,   -- rows in parcel
    head         BLOB    NOT NULL,   -- hash of the newest journal row
    state        TEXT    NOT NULL
) STRICT;
CREATE INDEX transaction_created ON transaction_state (created, id);
CREATE INDEX transaction_caller ON transaction_state (caller, created, id);
CREATE INDEX transaction_tracking ON transaction_state (tracking, created, id) WHERE tracking <> '';
-- The present: small however long the history is.
CREATE INDEX transaction_due ON transaction_state (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX transaction_open ON transaction_state (created, id) WHERE settled = 0;
CREATE INDEX transaction_in_doubt ON transaction_state (created, id) WHERE in_doubt = 1;
CREATE INDEX transaction_needs_person ON transaction_state (created, id) WHERE needs_person = 1;
CREATE INDEX transaction_open_call ON transaction_state (created, id) WHERE open_call = 1;

CREATE TABLE customer (
    transaction_serial INTEGER PRIMARY KEY,
    json               TEXT NOT NULL
) STRICT;
CREATE TABLE document (
    transaction_serial INTEGER PRIMARY KEY,
    json               TEXT NOT NULL
) STRICT;

CREATE TABLE journal (
    number             INTEGER PRIMARY KEY,
    transaction_serial INTEGER NOT NULL,
    version            INTEGER NOT NULL,
    at                 INTEGER NOT NULL,
    due_at             INTEGER,
    flags              INTEGER NOT NULL,   -- 1 settled, 2 in doubt, 4 needs a person
    format             INTEGER NOT NULL,   -- of body
    body               TEXT    NOT NULL,
    hash               BLOB    NOT NULL
) STRICT;
CREATE UNIQUE INDEX journal_transaction ON journal (transaction_serial, version);

CREATE TABLE seal (
    number INTEGER PRIMARY KEY,
    first  INTEGER NOT NULL,
    last   INTEGER NOT NULL,
    hash   BLOB    NOT NULL,
    mac    BLOB    NOT NULL
) STRICT;

CREATE TABLE token (
    serial             INTEGER PRIMARY KEY,
    token_hmac         BLOB    NOT NULL,   -- of scope and token
    ended              INTEGER NOT NULL,   -- 0 live; else the row's own serial, so that live ones are unique
    transaction_serial INTEGER NOT NULL,
    leg                INTEGER NOT NULL,
    callout            INTEGER NOT NULL,
    page               INTEGER NOT NULL,
    ended_at           INTEGER,
    fields_digest      TEXT    NOT NULL    -- of the return that spent it
) STRICT;
CREATE UNIQUE INDEX token_known ON token (token_hmac, ended);
CREATE INDEX token_of ON token (transaction_serial, leg, callout);
CREATE INDEX token_ended ON token (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE once (
    serial             INTEGER PRIMARY KEY,
    key_hmac           BLOB    NOT NULL UNIQUE,   -- of scope and key
    scope              TEXT    NOT NULL,
    fingerprint_hmac   BLOB,
    transaction_serial INTEGER NOT NULL,
    version            INTEGER NOT NULL
) STRICT;

CREATE TABLE reference (
    merchant           TEXT    NOT NULL,
    reference          TEXT    NOT NULL,
    transaction_serial INTEGER NOT NULL,
    leg                INTEGER NOT NULL,
    PRIMARY KEY (merchant, reference)
) STRICT, WITHOUT ROWID;

CREATE TABLE parcel (
    slot   INTEGER PRIMARY KEY,   -- transaction_serial * 256 + leg; leg 0 is the customer's journey
    key_id INTEGER NOT NULL,
    digest BLOB    NOT NULL,      -- keyed, of the clear text: what is unchanged is not written again
    sealed BLOB    NOT NULL
) STRICT;

CREATE TABLE balance (
    account  INTEGER PRIMARY KEY,
    caller   TEXT    NOT NULL,
    currency TEXT    NOT NULL,
    minor    INTEGER NOT NULL,
    UNIQUE (caller, currency)
) STRICT;
CREATE TABLE credit_entry (
    number             INTEGER PRIMARY KEY,
    account            INTEGER NOT NULL,
    journal_number     INTEGER NOT NULL,
    transaction_serial INTEGER NOT NULL,
    leg                INTEGER NOT NULL,
    at                 INTEGER NOT NULL,
    kind               TEXT    NOT NULL,
    minor              INTEGER NOT NULL,   -- effect on the balance
    balance            INTEGER NOT NULL    -- after it
) STRICT;
CREATE INDEX credit_entry_account ON credit_entry (account, at, number);

CREATE TABLE unmatched_notice (
    merchant  TEXT    NOT NULL,
    event_id  TEXT    NOT NULL,
    reference TEXT    NOT NULL,
    at        INTEGER NOT NULL,
    json      TEXT    NOT NULL,
    PRIMARY KEY (merchant, event_id, reference)
) STRICT;
CREATE INDEX unmatched_notice_reference ON unmatched_notice (merchant, reference);
