-- One row is what an account did lately, its devices as JSON text; the latest counts; unreadable parts are NULL.
CREATE TEMPORARY TABLE engagement_context (
    record_key STRING,
    record_value STRING,
    record_partition INT METADATA FROM 'partition' VIRTUAL,
    record_offset BIGINT METADATA FROM 'offset' VIRTUAL,
    record_time TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
    account_id AS JSON_VALUE(record_value, '$.account_id'),
    last_engaged_at AS CASE
        WHEN DATE_FORMAT(
            TO_TIMESTAMP(JSON_VALUE(record_value, '$.last_engaged_at'), 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''),
            'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''
        ) = JSON_VALUE(record_value, '$.last_engaged_at')
        THEN TO_TIMESTAMP_LTZ(JSON_VALUE(record_value, '$.last_engaged_at'), 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''', 'UTC')
    END,
    devices AS JSON_QUERY(record_value, '$.devices'),
    -- A clock more than 5 minutes ahead of its record moves nothing (contract, `too_early`).
    WATERMARK FOR last_engaged_at AS CASE
        WHEN last_engaged_at <= record_time + INTERVAL '5' MINUTE THEN last_engaged_at - INTERVAL '10' MINUTE
    END
) WITH (
    'topic' = 'loyalty.engagement-context'
) LIKE kafka;
