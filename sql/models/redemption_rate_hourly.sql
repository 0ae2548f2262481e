-- One row is one hour (UTC) of event time in which redemptions were asked for: how many, and what was decided on them.
-- A denial counts under its first reason, the one that decided. Written once, when the hour is over by the watermark;
-- a request that comes later than that is not in it.
WITH decided AS (
    SELECT decision_id, outcome, JSON_VALUE(reasons[1], '$.code') AS reason, occurred_at
    FROM decisions
    WHERE type = 'redemption.decided' AND occurred_at IS NOT NULL
)

SELECT
    DATE_FORMAT(window_start, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''') AS `hour`,
    COUNT(DISTINCT decision_id) AS requested,
    COUNT(DISTINCT decision_id) FILTER (WHERE outcome = 'approved') AS approved,
    COUNT(DISTINCT decision_id) FILTER (WHERE outcome = 'review') AS review,
    COUNT(DISTINCT decision_id) FILTER (WHERE outcome = 'denied') AS denied,
    COUNT(DISTINCT decision_id) FILTER (WHERE outcome = 'approved') * 10000 / COUNT(DISTINCT decision_id) AS approved_bp,
    COUNT(DISTINCT decision_id) FILTER (
        WHERE outcome = 'denied' AND reason = 'reward_unavailable'
    ) AS denied_reward_unavailable,
    COUNT(DISTINCT decision_id) FILTER (WHERE outcome = 'denied' AND reason = 'below_minimum') AS denied_below_minimum,
    COUNT(DISTINCT decision_id) FILTER (WHERE outcome = 'denied' AND reason = 'fraud_signal') AS denied_fraud_signal,
    COUNT(DISTINCT decision_id) FILTER (WHERE outcome = 'denied' AND reason LIKE 'velocity:%') AS denied_velocity,
    COUNT(DISTINCT decision_id) FILTER (WHERE outcome = 'denied' AND reason = 'no_engagement') AS denied_no_engagement,
    COUNT(DISTINCT decision_id) FILTER (WHERE outcome = 'denied' AND reason = 'unknown_device') AS denied_unknown_device,
    COUNT(DISTINCT decision_id) FILTER (
        WHERE outcome = 'denied' AND reason = 'insufficient_points'
    ) AS denied_insufficient_points
FROM TUMBLE(TABLE decided, DESCRIPTOR(occurred_at), INTERVAL '1' HOUR)
GROUP BY window_start, window_end
