-- One row is one day (UTC) of event time: what all accounts were owed when it began and ended, and what changed it.
-- A decision counts on the day of its occurred_at, whenever it comes; that day and all that follow are then written again.
-- opening + earned + released + reversed + adjusted + expired + redeemed = closing; what takes points away is negative.
SELECT
    `day`,
    closing - changed AS opening,
    earned,
    released,
    reversed,
    adjusted,
    expired,
    redeemed,
    closing
FROM (
    SELECT *, SUM(changed) OVER (ORDER BY `day` ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS closing
    FROM (
        SELECT
            CAST(occurred_at AS DATE) AS `day`,
            SUM(CASE WHEN type = 'points.earned' THEN points ELSE 0 END) AS earned,
            -- Given back by a committed redemption that was cancelled. A release of pending points changes nothing here.
            SUM(CASE WHEN type = 'redemption.released' THEN points ELSE 0 END) AS released,
            SUM(CASE WHEN type = 'points.reversed' THEN points ELSE 0 END) AS reversed,
            SUM(CASE WHEN type = 'points.adjusted' THEN points ELSE 0 END) AS adjusted,
            SUM(CASE WHEN type = 'points.expired' THEN points ELSE 0 END) AS expired,
            SUM(CASE WHEN type = 'redemption.settled' THEN points ELSE 0 END) AS redeemed,
            SUM(points) AS changed
        FROM decisions_once
        WHERE points <> 0
        GROUP BY CAST(occurred_at AS DATE)
    )
)
