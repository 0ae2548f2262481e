-- One row is one month (UTC) of event time and one partner: what purchases with it earned, and what of that is its share.
-- The share is what the partner's rate added (or, below 10 000 basis points, took), as each decision's evidence says. What
-- comes back is taken out in the month in which it does, up to 180 days after the purchase: of the share, the part that the
-- order's lost points are of its points, rounded towards 0.
WITH bought AS (
    SELECT account_id, order_id, partner_id, points, partner_share, occurred_at
    FROM purchases_accepted
    WHERE partner_id IS NOT NULL AND partner_share IS NOT NULL
),

counted AS (
    SELECT
        DATE_FORMAT(occurred_at, 'yyyy-MM') AS `month`,
        partner_id,
        1 AS purchase,
        0 AS refund,
        points,
        partner_share
    FROM bought
    UNION ALL
    SELECT
        DATE_FORMAT(r.occurred_at, 'yyyy-MM'),
        b.partner_id,
        0,
        1,
        -r.lost,
        -COALESCE(r.lost * b.partner_share / NULLIF(b.points, 0), 0)
    FROM bought AS b
    INNER JOIN refunds_accepted AS r
        ON
            b.account_id = r.account_id
            AND b.order_id = r.order_id
            -- A refund may come up to a day before its purchase, for which it waits.
            AND r.occurred_at BETWEEN b.occurred_at - INTERVAL '1' DAY AND b.occurred_at + INTERVAL '180' DAY(3)
    WHERE r.lost IS NOT NULL
)

SELECT
    `month`,
    partner_id,
    CAST(SUM(purchase) AS BIGINT) AS purchases,
    CAST(SUM(refund) AS BIGINT) AS refunds,
    SUM(points) AS points,
    SUM(points - partner_share) AS points_without_partner,
    SUM(partner_share) AS partner_share
FROM counted
GROUP BY `month`, partner_id
