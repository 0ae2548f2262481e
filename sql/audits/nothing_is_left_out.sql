-- One row is one decision that models leave out, and the first part that they cannot do without and could not read.
-- What the loop itself refused is in dead_letters, and no model reads it.
SELECT decision_id, account_id, type, missing
FROM (
    SELECT
        decision_id,
        account_id,
        type,
        CASE
            WHEN decision_id IS NULL THEN 'decision_id'
            WHEN sequence IS NULL THEN 'sequence'
            WHEN occurred_at IS NULL THEN 'occurred_at'
            WHEN account_id IS NULL THEN 'account_id'
            WHEN `stream` = 'offers' AND member_id IS NULL THEN 'member_id'
            WHEN points IS NULL THEN 'points'
            WHEN `stream` = 'ledger' AND balance.tier IS NULL THEN 'balance.tier'
            WHEN JSON_VALUE(reasons[1], '$.code') IS NULL THEN 'reasons'
            WHEN type = 'tier.changed' AND outcome IS NULL THEN 'outcome'
            WHEN type = 'tier.changed' AND JSON_VALUE(evidence, '$.tier_before') IS NULL THEN 'evidence.tier_before'
            WHEN
                type = 'offer.decided' AND outcome = 'made' AND REGEXP_EXTRACT(rules, '"campaign/([^"]+)"', 1) IS NULL
                THEN 'rules'
            WHEN
                type = 'points.earned' AND JSON_VALUE(reasons[1], '$.code') = 'purchase'
                AND JSON_VALUE(evidence, '$.currency') IS NULL
                THEN 'evidence.currency'
            WHEN
                type = 'points.earned' AND JSON_VALUE(reasons[1], '$.code') = 'purchase'
                AND NOT JSON_EXISTS(evidence, '$.lines[0]')
                THEN 'evidence.lines'
            WHEN
                JSON_VALUE(evidence, '$.partner_id') IS NOT NULL AND type = 'points.earned'
                AND TRY_CAST(JSON_VALUE(evidence, '$.partner_share') AS BIGINT) IS NULL
                THEN 'evidence.partner_share'
            WHEN
                type = 'points.reversed' AND TRY_CAST(JSON_VALUE(reasons[1], '$.actual') AS BIGINT) IS NULL
                THEN 'reasons'
        END AS missing
    FROM decisions
)
WHERE missing IS NOT NULL
