-- One row is one transaction event of any type as it came, duplicates and refused ones too; unreadable parts are NULL.
CREATE TEMPORARY TABLE transactions (
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
    order_id AS JSON_VALUE(record_value, '$.order_id'),
    channel AS JSON_VALUE(record_value, '$.channel'),
    currency AS JSON_VALUE(record_value, '$.currency'),
    lines AS JSON_QUERY(record_value, '$.lines' RETURNING ARRAY<STRING>),
    store_id AS JSON_VALUE(record_value, '$.store_id'),
    partner_id AS JSON_VALUE(record_value, '$.partner_id'),
    payment_id AS JSON_VALUE(record_value, '$.payment_id'),
    device_id AS JSON_VALUE(record_value, '$.device_id'),
    points AS TRY_CAST(
        REGEXP_EXTRACT(JSON_QUERY(record_value, '$.points' WITH WRAPPER), '^\[(-?[0-9]+)\]$', 1)
        AS BIGINT
    ),
    reason AS JSON_VALUE(record_value, '$.reason'),
    operator AS JSON_VALUE(record_value, '$.operator'),
    qualifying AS CASE JSON_QUERY(record_value, '$.qualifying' WITH WRAPPER)
        WHEN '[true]' THEN TRUE
        WHEN '[false]' THEN FALSE
    END,
    redemption_id AS JSON_VALUE(record_value, '$.redemption_id'),
    reward_id AS JSON_VALUE(record_value, '$.reward_id'),
    campaign_id AS JSON_VALUE(record_value, '$.campaign_id'),
    -- A clock more than 5 minutes ahead of its record moves nothing (contract, `too_early`).
    WATERMARK FOR occurred_at AS CASE
        WHEN occurred_at <= record_time + INTERVAL '5' MINUTE THEN occurred_at - INTERVAL '10' MINUTE
    END
) WITH (
    'topic' = 'loyalty.transactions'
) LIKE kafka;
