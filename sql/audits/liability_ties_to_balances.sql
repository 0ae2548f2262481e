-- One row is one day whose published liability is not the sum of the accounts' balances, or not that of its own columns.
-- The balances are those that decisions carry, and count on the day of the decision that changed them. A day that is
-- missing on either side is a row too: look when points_liability_daily has written what the decisions hold.
WITH balances AS (
    SELECT `day`, SUM(changed) OVER (ORDER BY `day` ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS closing
    FROM (
        SELECT CAST(occurred_at AS DATE) AS `day`, SUM(owed - owed_before) AS changed
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
        WHERE owed <> owed_before
        GROUP BY CAST(occurred_at AS DATE)
    )
)

SELECT
    COALESCE(b.`day`, p.`day`) AS `day`,
    b.closing AS of_balances,
    p.opening,
    p.closing AS published
FROM balances AS b FULL OUTER JOIN results.points_liability_daily AS p ON b.`day` = p.`day`
WHERE
    b.closing IS NULL
    OR p.closing IS NULL
    OR b.closing <> p.closing
    OR p.opening + p.earned + p.released + p.reversed + p.adjusted + p.expired + p.redeemed <> p.closing
