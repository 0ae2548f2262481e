-- One row is one day (UTC) of event time: what all accounts were owed when it began and ended, and what changed it.
-- A decision counts on the day of its occurred_at, whenever it comes; that day and all that follow are then written again.
-- opening + earned + released + reversed + adjusted + expired + redeemed = closing; what takes points away is negative.
WITH moved AS (
    SELECT CAST(occurred_at AS DATE) AS `day`, type, points
    FROM decisions_once
    WHERE points <> 0
),

changes AS (
    SELECT
        `day`,
        SUM(CASE WHEN type = 'points.earned' THEN points ELSE 0 END) AS earned,
        -- Given back by a committed redemption that was cancelled. A release of pending points changes nothing here.
        SUM(CASE WHEN type = 'redemption.released' THEN points ELSE 0 END) AS released,
        SUM(CASE WHEN type = 'points.reversed' THEN points ELSE 0 END) AS reversed,
        SUM(CASE WHEN type = 'points.adjusted' THEN points ELSE 0 END) AS adjusted,
        SUM(CASE WHEN type = 'points.expired' THEN points ELSE 0 END) AS expired,
        SUM(CASE WHEN type = 'redemption.settled' THEN points ELSE 0 END) AS redeemed,
        SUM(points) AS changed
    FROM moved
    GROUP BY `day`
)

-- Each day with itself and all before it. `OVER (ORDER BY day)` would say it shorter, but over rows that change its state
-- does not survive a restart (Flink 2.2).
SELECT
    d.`day`,
    SUM(CASE WHEN c.`day` < d.`day` THEN c.changed ELSE 0 END) AS opening,
    SUM(CASE WHEN c.`day` = d.`day` THEN c.earned ELSE 0 END) AS earned,
    SUM(CASE WHEN c.`day` = d.`day` THEN c.released ELSE 0 END) AS released,
    SUM(CASE WHEN c.`day` = d.`day` THEN c.reversed ELSE 0 END) AS reversed,
    SUM(CASE WHEN c.`day` = d.`day` THEN c.adjusted ELSE 0 END) AS adjusted,
    SUM(CASE WHEN c.`day` = d.`day` THEN c.expired ELSE 0 END) AS expired,
    SUM(CASE WHEN c.`day` = d.`day` THEN c.redeemed ELSE 0 END) AS redeemed,
    SUM(c.changed) AS closing
FROM (SELECT DISTINCT `day` FROM moved) AS d INNER JOIN changes AS c ON c.`day` <= d.`day`
GROUP BY d.`day`
