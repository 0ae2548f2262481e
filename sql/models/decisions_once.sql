-- One row is one decision, once, however often it was sent; for other models. `owed` is what the account has after it.
-- Decisions are delivered at least once and in order (of an account in `ledger`, of a member in `offers`): what is not
-- beyond the highest sequence so far has been here before. So one number an owner is kept, and not every id for ever.
SELECT
    decision_id,
    `stream`,
    sequence,
    type,
    outcome,
    account_id,
    member_id,
    subject.order_id AS order_id,
    occurred_at,
    points,
    owed,
    reasons,
    cause.event_id AS event_id,
    rules,
    evidence
FROM (
    SELECT *, LAG(highest) OVER (PARTITION BY `stream`, owner ORDER BY arrived_at) AS highest_before
    FROM (
        SELECT
            *,
            MAX(sequence) OVER (
                PARTITION BY `stream`, owner ORDER BY arrived_at
                ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
            ) AS highest
        FROM (
            -- By name: each column that is carried along here is paid for, and one more needs a rebuild.
            SELECT
                decision_id,
                `stream`,
                sequence,
                type,
                outcome,
                account_id,
                member_id,
                subject,
                occurred_at,
                points,
                reasons,
                cause,
                rules,
                evidence,
                CASE `stream` WHEN 'ledger' THEN account_id ELSE member_id END AS owner,
                balance.pending + balance.available + balance.held - balance.debt AS owed,
                PROCTIME() AS arrived_at
            FROM decisions
            WHERE decision_id IS NOT NULL AND sequence IS NOT NULL AND occurred_at IS NOT NULL
        )
        WHERE owner IS NOT NULL
    )
)
WHERE highest_before IS NULL OR sequence > highest_before
