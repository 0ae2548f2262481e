-- One row is what an account did lately, its devices as JSON text; the latest counts; unreadable parts are NULL.
-- Made from catalogue/schemas/loyalty.engagement-context by `make reference`.
CREATE TEMPORARY TABLE engagement_context (
    record_key STRING,
    record_value STRING,
    record_partition INT METADATA FROM 'partition' VIRTUAL,
    record_offset BIGINT METADATA FROM 'offset' VIRTUAL,
    record_time TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
    account_id STRING,
    last_engaged_at TIMESTAMP_LTZ(3),
    devices STRING,
    -- A clock more than 5 minutes ahead of its record moves nothing (contract, `too_early`).
    WATERMARK FOR last_engaged_at AS CASE
        WHEN last_engaged_at <= record_time + INTERVAL '5' MINUTE THEN last_engaged_at - INTERVAL '10' MINUTE
    END
) WITH (
    'topic' = 'loyalty.engagement-context',
    'value.loyalty-json.as-text' = 'devices'
) LIKE kafka;
