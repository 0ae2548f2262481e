-- One row is one refused record: why, and where it was; unreadable parts are NULL.
-- Made from catalogue/schemas/loyalty.dead-letters by `make reference`.
CREATE TEMPORARY TABLE dead_letters (
    record_key BYTES,
    record_value STRING,
    record_partition INT METADATA FROM 'partition' VIRTUAL,
    record_offset BIGINT METADATA FROM 'offset' VIRTUAL,
    record_time TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
    reason STRING,
    detail STRING,
    topic STRING,
    `partition` BIGINT,
    `offset` BIGINT,
    received_at TIMESTAMP_LTZ(3),
    key_base64 STRING,
    value_base64 STRING,
    -- A clock more than 5 minutes ahead of its record moves nothing (contract, `too_early`).
    WATERMARK FOR received_at AS CASE
        WHEN received_at <= record_time + INTERVAL '5' MINUTE THEN received_at - INTERVAL '10' MINUTE
    END
) WITH (
    'topic' = 'loyalty.dead-letters'
) LIKE kafka;
