-- One row is one hour (UTC) of event time, one tier and one currency: purchases that counted, and what was spent in minor
-- units. The tier is the one that the account held when the purchase was decided, before it: that of its decision with the
-- highest occurred_at not after the purchase's; of one at the same moment, the tier before it. A decision without a tier,
-- or a purchase without a currency, is left out. Written once, when the hour is over by the watermark.
WITH tiers AS (
    SELECT account_id, tier, tier_before, occurred_at
    FROM (
        SELECT
            account_id,
            balance.tier AS tier,
            CASE type WHEN 'tier.changed' THEN JSON_VALUE(evidence, '$.tier_before') ELSE balance.tier END AS tier_before,
            occurred_at,
            ROW_NUMBER() OVER (PARTITION BY account_id ORDER BY occurred_at DESC) AS newest
        FROM decisions
        WHERE `stream` = 'ledger' AND occurred_at IS NOT NULL
    )
    WHERE newest = 1
),

bought AS (
    SELECT
        event_id,
        account_id,
        currency,
        TRY_CAST(JSON_VALUE(line, '$.amount') AS BIGINT) AS amount,
        occurred_at
    FROM purchases_accepted CROSS JOIN UNNEST(lines) AS l (line)
    WHERE currency IS NOT NULL
),

in_tier AS (
    SELECT
        b.event_id,
        b.account_id,
        b.currency,
        b.amount,
        b.occurred_at,
        CASE WHEN t.occurred_at = b.occurred_at THEN t.tier_before ELSE t.tier END AS tier
    FROM bought AS b INNER JOIN tiers FOR SYSTEM_TIME AS OF b.occurred_at AS t ON b.account_id = t.account_id
),

known AS (
    SELECT * FROM in_tier WHERE tier IS NOT NULL
)

SELECT
    DATE_FORMAT(window_start, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''') AS `hour`,
    tier,
    currency,
    COUNT(DISTINCT account_id || ' ' || event_id) AS purchases,
    SUM(amount) AS spent
FROM TUMBLE(TABLE known, DESCRIPTOR(occurred_at), INTERVAL '1' HOUR)
GROUP BY window_start, window_end, tier, currency
