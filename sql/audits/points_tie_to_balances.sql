-- One row is one decision whose points are not what the account's balance changed by (contract §5, conservation).
SELECT account_id, decision_id, sequence, type, points, owed_before, owed
FROM (
    SELECT
        *,
        CASE sequence
            WHEN 1 THEN CAST(0 AS BIGINT) ELSE LAG(owed) OVER (PARTITION BY account_id ORDER BY arrived_at)
        END AS owed_before
    FROM (
        SELECT *, PROCTIME() AS arrived_at
        FROM decisions_once
        WHERE `stream` = 'ledger'
    )
)
-- What cannot be compared does not tie either.
WHERE COALESCE(points <> owed - owed_before, TRUE)
