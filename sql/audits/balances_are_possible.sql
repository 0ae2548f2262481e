-- One row is one decision whose balance cannot be: a part of it below 0 or unreadable, or debt beside available points.
SELECT
    decision_id,
    account_id,
    sequence,
    balance.pending AS pending,
    balance.available AS available,
    balance.held AS held,
    balance.debt AS debt,
    balance.qualifying AS qualifying
FROM decisions
WHERE
    decision_id IS NULL
    OR COALESCE(LEAST(balance.pending, balance.available, balance.held, balance.debt, balance.qualifying), -1) < 0
    OR (balance.debt > 0 AND balance.available > 0)
