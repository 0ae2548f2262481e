-- One row is one hour (UTC) of event time, one tier and one currency: purchases, and what was spent in minor units.
-- The tier is the one that the account held when the purchase was decided, before it: that of its decision with the
-- highest occurred_at not after the purchase's; of one at the same moment, the tier before it. What accounts buy of which
-- nothing was ever decided (all of it was refused) is left out. Written once, when the hour is over by the watermark.
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
        JSON_VALUE(line, '$.line_id') AS line_id,
        TRY_CAST(JSON_VALUE(line, '$.amount') AS BIGINT) AS amount,
        occurred_at
    FROM transactions CROSS JOIN UNNEST(lines) AS l (line)
    -- A clock more than 5 minutes ahead is refused (contract, `too_early`).
    WHERE type = 'purchase' AND occurred_at <= record_time + INTERVAL '5' MINUTE
),

in_tier AS (
    SELECT
        b.event_id,
        b.account_id,
        b.currency,
        b.line_id,
        b.amount,
        b.occurred_at,
        CASE WHEN t.occurred_at = b.occurred_at THEN t.tier_before ELSE t.tier END AS tier
    FROM bought AS b INNER JOIN tiers FOR SYSTEM_TIME AS OF b.occurred_at AS t ON b.account_id = t.account_id
),

once AS (
    SELECT *
    FROM (
        SELECT
            *,
            ROW_NUMBER() OVER (
                PARTITION BY window_start, window_end, account_id, event_id, line_id ORDER BY occurred_at
            ) AS copy
        FROM TUMBLE(TABLE in_tier, DESCRIPTOR(occurred_at), INTERVAL '1' HOUR)
    )
    WHERE copy = 1
)

SELECT
    DATE_FORMAT(window_start, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''') AS `hour`,
    tier,
    currency,
    COUNT(DISTINCT event_id) AS purchases,
    SUM(amount) AS spent
FROM once
GROUP BY window_start, window_end, tier, currency
