-- One row is one month (UTC) of event time and one partner: what purchases with it earned, and what of that is its share.
-- The share is what the partner's rate added (or, below 10 000 basis points, took), as each decision's evidence says. What
-- is refunded later is not taken out: a reversal does not say whose share it was.
SELECT
    DATE_FORMAT(occurred_at, 'yyyy-MM') AS `month`,
    partner_id,
    COUNT(*) AS purchases,
    SUM(points) AS points,
    SUM(points - partner_share) AS points_without_partner,
    SUM(partner_share) AS partner_share
FROM (
    SELECT
        occurred_at,
        points,
        JSON_VALUE(evidence, '$.partner_id') AS partner_id,
        TRY_CAST(JSON_VALUE(evidence, '$.partner_share') AS BIGINT) AS partner_share
    FROM decisions_once
    WHERE type = 'points.earned'
)
WHERE partner_id IS NOT NULL AND partner_share IS NOT NULL
GROUP BY DATE_FORMAT(occurred_at, 'yyyy-MM'), partner_id
