-- One record an hour; by its key, the same again after a restart replaces it.
CREATE TEMPORARY TABLE results.redemption_rate_hourly (
    `hour` STRING,
    requested BIGINT,
    approved BIGINT,
    review BIGINT,
    denied BIGINT,
    approved_bp BIGINT,
    denied_reward_unavailable BIGINT,
    denied_below_minimum BIGINT,
    denied_fraud_signal BIGINT,
    denied_velocity BIGINT,
    denied_no_engagement BIGINT,
    denied_unknown_device BIGINT,
    denied_insufficient_points BIGINT,
    PRIMARY KEY (`hour`) NOT ENFORCED
) WITH (
    'topic' = 'loyalty.redemption-rate-hourly'
) LIKE upsert_topic;
