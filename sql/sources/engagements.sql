-- One row is one engagement event as it came; unreadable parts are NULL.
-- Made from catalogue/schemas/loyalty.engagements by `make reference`.
CREATE TEMPORARY TABLE engagements (
    record_key STRING,
    record_value STRING,
    record_partition INT METADATA FROM 'partition' VIRTUAL,
    record_offset BIGINT METADATA FROM 'offset' VIRTUAL,
    record_time TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
    event_id STRING,
    type STRING,
    schema_version BIGINT,
    source STRING,
    occurred_at TIMESTAMP_LTZ(3),
    account_id STRING,
    member_id STRING,
    channel STRING,
    campaign_id STRING,
    device_id STRING,
    session_id STRING,
    -- A clock more than 5 minutes ahead of its record moves nothing (contract, `too_early`).
    WATERMARK FOR occurred_at AS CASE
        WHEN occurred_at <= record_time + INTERVAL '5' MINUTE THEN occurred_at - INTERVAL '10' MINUTE
    END
) WITH (
    'topic' = 'loyalty.engagements'
) LIKE kafka;
