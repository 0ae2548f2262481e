-- One row is one day (UTC) of event time, one way from tier to tier and one reason: how many accounts went it.
-- An account may move more than once a day; each time counts. Grace moves nobody. A change that does not say from where,
-- to where or why is left out.
SELECT
    `day`,
    tier_before,
    tier,
    reason,
    COUNT(*) AS movements
FROM (
    SELECT
        CAST(occurred_at AS DATE) AS `day`,
        JSON_VALUE(evidence, '$.tier_before') AS tier_before,
        outcome AS tier,
        JSON_VALUE(reasons[1], '$.code') AS reason
    FROM decisions_once
    WHERE type = 'tier.changed'
)
WHERE tier_before IS NOT NULL AND tier IS NOT NULL AND reason IS NOT NULL
GROUP BY `day`, tier_before, tier, reason
