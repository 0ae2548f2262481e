-- One row is one purchase that counted, once; for other models. Refused ones are in `transactions` too, and not here.
-- It is read from the decision that it earned, whose evidence holds what was bought and the tier held before it. `points`
-- are without the bonus of an offer, which is a decision of its own.
SELECT
    decision_id,
    event_id,
    account_id,
    member_id,
    order_id,
    JSON_VALUE(evidence, '$.partner_id') AS partner_id,
    JSON_VALUE(evidence, '$.currency') AS currency,
    JSON_VALUE(evidence, '$.tier') AS tier,
    JSON_QUERY(evidence, '$.lines' RETURNING ARRAY<STRING>) AS lines,
    points,
    TRY_CAST(JSON_VALUE(evidence, '$.partner_share') AS BIGINT) AS partner_share,
    occurred_at
FROM decisions_once
WHERE type = 'points.earned' AND JSON_VALUE(reasons[1], '$.code') = 'purchase'
