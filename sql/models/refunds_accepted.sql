-- One row is one refund or cancellation that counted, once; for other models. `lost` are the points that the order does
-- not keep, whichever lot they were taken from; the reversal of an offer's bonus is a decision of its own and not here.
SELECT
    decision_id,
    event_id,
    account_id,
    order_id,
    JSON_VALUE(reasons[1], '$.code') AS how,
    JSON_QUERY(evidence, '$.lines' RETURNING ARRAY<STRING>) AS lines,
    points,
    TRY_CAST(JSON_VALUE(reasons[1], '$.actual') AS BIGINT) AS lost,
    occurred_at
FROM decisions_once
WHERE type = 'points.reversed' AND NOT JSON_EXISTS(evidence, '$.offer')
