-- One row is one decision; repeated ones (at-least-once) have one decision_id; unreadable parts are NULL.
-- Made from catalogue/schemas/loyalty.decisions by `make reference`.
CREATE TEMPORARY TABLE decisions (
    record_key STRING,
    record_value STRING,
    record_partition INT METADATA FROM 'partition' VIRTUAL,
    record_offset BIGINT METADATA FROM 'offset' VIRTUAL,
    record_time TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
    decision_id STRING,
    `stream` STRING,
    sequence BIGINT,
    type STRING,
    outcome STRING,
    account_id STRING,
    member_id STRING,
    subject ROW<redemption_id STRING, reward_id STRING, offer_id STRING, order_id STRING> NOT NULL,
    occurred_at TIMESTAMP_LTZ(3),
    decided_at TIMESTAMP_LTZ(3),
    points BIGINT,
    balance ROW<pending BIGINT, available BIGINT, held BIGINT, debt BIGINT, qualifying BIGINT, tier STRING> NOT NULL,
    reasons ARRAY<STRING>,
    cause ROW<event_id STRING, topic STRING, `partition` BIGINT, `offset` BIGINT, timer STRING> NOT NULL,
    rules STRING,
    evidence STRING,
    seal STRING,
    -- A clock more than 5 minutes ahead of its record moves nothing (contract, `too_early`).
    WATERMARK FOR occurred_at AS CASE
        WHEN occurred_at <= record_time + INTERVAL '5' MINUTE THEN occurred_at - INTERVAL '10' MINUTE
    END
) WITH (
    'topic' = 'loyalty.decisions',
    'value.loyalty-json.as-text' = 'rules;evidence'
) LIKE kafka;
