-- One row is one profile or consent of a member as it came; the latest of each counts; unreadable parts are NULL.
CREATE TEMPORARY TABLE members (
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
    account_id AS JSON_VALUE(record_value, '$.account_id'),
    member_id AS JSON_VALUE(record_value, '$.member_id'),
    joined_at AS CASE
        WHEN DATE_FORMAT(
            TO_TIMESTAMP(JSON_VALUE(record_value, '$.joined_at'), 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''),
            'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''
        ) = JSON_VALUE(record_value, '$.joined_at')
        THEN TO_TIMESTAMP_LTZ(JSON_VALUE(record_value, '$.joined_at'), 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''', 'UTC')
    END,
    name AS JSON_VALUE(record_value, '$.name'),
    birth_date AS JSON_VALUE(record_value, '$.birth_date'),
    home_store AS JSON_VALUE(record_value, '$.home_store'),
    known_devices AS JSON_QUERY(record_value, '$.known_devices' RETURNING ARRAY<STRING>),
    offers AS CASE JSON_QUERY(record_value, '$.offers' WITH WRAPPER)
        WHEN '[true]' THEN TRUE
        WHEN '[false]' THEN FALSE
    END,
    profiling AS CASE JSON_QUERY(record_value, '$.profiling' WITH WRAPPER)
        WHEN '[true]' THEN TRUE
        WHEN '[false]' THEN FALSE
    END,
    -- A clock more than 5 minutes ahead of its record moves nothing (contract, `too_early`).
    WATERMARK FOR occurred_at AS CASE
        WHEN occurred_at <= record_time + INTERVAL '5' MINUTE THEN occurred_at - INTERVAL '10' MINUTE
    END
) WITH (
    'topic' = 'loyalty.members'
) LIKE kafka;
