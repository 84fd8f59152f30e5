-- A key of idempotency that comes with a request about one transaction is now that transaction's own, and lies in the
-- index of `once` where its transaction's time lies. HMACs that are there cannot be made anew: transactions up to this one
-- (hex of its id; '' none) go on sharing theirs.
INSERT INTO meta SELECT 'shared_keys_until', ifnull(hex(max(id)), '') FROM transaction_state;
