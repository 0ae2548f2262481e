-- One row is one refused record: why, and where it was; unreadable parts are NULL.
CREATE TEMPORARY TABLE dead_letters (
    record_key BYTES,
    record_value STRING,
    record_partition INT METADATA FROM 'partition' VIRTUAL,
    record_offset BIGINT METADATA FROM 'offset' VIRTUAL,
    record_time TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
    reason AS JSON_VALUE(record_value, '$.reason'),
    detail AS JSON_VALUE(record_value, '$.detail'),
    topic AS JSON_VALUE(record_value, '$.topic'),
    `partition` AS TRY_CAST(
        REGEXP_EXTRACT(JSON_QUERY(record_value, '$.partition' WITH WRAPPER), '^\[(-?[0-9]+)\]$', 1)
        AS BIGINT
    ),
    `offset` AS TRY_CAST(
        REGEXP_EXTRACT(JSON_QUERY(record_value, '$.offset' WITH WRAPPER), '^\[(-?[0-9]+)\]$', 1)
        AS BIGINT
    ),
    received_at AS CASE
        WHEN DATE_FORMAT(
            TO_TIMESTAMP(JSON_VALUE(record_value, '$.received_at'), 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''),
            'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''
        ) = JSON_VALUE(record_value, '$.received_at')
        THEN TO_TIMESTAMP_LTZ(JSON_VALUE(record_value, '$.received_at'), 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''', 'UTC')
    END,
    key_base64 AS JSON_VALUE(record_value, '$.key_base64'),
    value_base64 AS JSON_VALUE(record_value, '$.value_base64'),
    -- A clock more than 5 minutes ahead of its record moves nothing (contract, `too_early`).
    WATERMARK FOR received_at AS CASE
        WHEN received_at <= record_time + INTERVAL '5' MINUTE THEN received_at - INTERVAL '10' MINUTE
    END
) WITH (
    'topic' = 'loyalty.dead-letters'
) LIKE kafka;
