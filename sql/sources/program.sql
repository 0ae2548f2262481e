-- One row is one version of a programme document, its body as JSON text; unreadable parts are NULL.
CREATE TEMPORARY TABLE program (
    record_key STRING,
    record_value STRING,
    record_partition INT METADATA FROM 'partition' VIRTUAL,
    record_offset BIGINT METADATA FROM 'offset' VIRTUAL,
    record_time TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
    event_id AS JSON_VALUE(record_value, '$.event_id'),
    type AS JSON_VALUE(record_value, '$.type'),
    schema_version AS TRY_CAST(
        REGEXP_EXTRACT(JSON_QUERY(record_value, '$.schema_version' WITH WRAPPER), '^\[(-?[0-9]+)\]$', 1)
        AS BIGINT
    ),
    source AS JSON_VALUE(record_value, '$.source'),
    occurred_at AS CASE
        WHEN DATE_FORMAT(
            TO_TIMESTAMP(JSON_VALUE(record_value, '$.occurred_at'), 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''),
            'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''
        ) = JSON_VALUE(record_value, '$.occurred_at')
        THEN TO_TIMESTAMP_LTZ(JSON_VALUE(record_value, '$.occurred_at'), 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''', 'UTC')
    END,
    document AS JSON_VALUE(record_value, '$.document'),
    version AS TRY_CAST(
        REGEXP_EXTRACT(JSON_QUERY(record_value, '$.version' WITH WRAPPER), '^\[(-?[0-9]+)\]$', 1)
        AS BIGINT
    ),
    effective_from AS CASE
        WHEN DATE_FORMAT(
            TO_TIMESTAMP(JSON_VALUE(record_value, '$.effective_from'), 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''),
            'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''
        ) = JSON_VALUE(record_value, '$.effective_from')
        THEN TO_TIMESTAMP_LTZ(JSON_VALUE(record_value, '$.effective_from'), 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''', 'UTC')
    END,
    body AS JSON_QUERY(record_value, '$.body'),
    -- A clock more than 5 minutes ahead of its record moves nothing (contract, `too_early`).
    WATERMARK FOR occurred_at AS CASE
        WHEN occurred_at <= record_time + INTERVAL '5' MINUTE THEN occurred_at - INTERVAL '10' MINUTE
    END
) WITH (
    'topic' = 'loyalty.program'
) LIKE kafka;
