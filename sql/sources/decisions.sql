-- One row is one decision; repeated ones (at-least-once) have one decision_id; unreadable parts are NULL.
CREATE TEMPORARY TABLE decisions (
    record_key STRING,
    record_value STRING,
    record_partition INT METADATA FROM 'partition' VIRTUAL,
    record_offset BIGINT METADATA FROM 'offset' VIRTUAL,
    record_time TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
    decision_id AS JSON_VALUE(record_value, '$.decision_id'),
    `stream` AS JSON_VALUE(record_value, '$.stream'),
    sequence AS TRY_CAST(
        REGEXP_EXTRACT(JSON_QUERY(record_value, '$.sequence' WITH WRAPPER), '^\[(-?[0-9]+)\]$', 1)
        AS BIGINT
    ),
    type AS JSON_VALUE(record_value, '$.type'),
    outcome AS JSON_VALUE(record_value, '$.outcome'),
    account_id AS JSON_VALUE(record_value, '$.account_id'),
    member_id AS JSON_VALUE(record_value, '$.member_id'),
    subject AS CAST(
        ROW(
            JSON_VALUE(record_value, '$.subject.redemption_id'),
            JSON_VALUE(record_value, '$.subject.reward_id'),
            JSON_VALUE(record_value, '$.subject.offer_id'),
            JSON_VALUE(record_value, '$.subject.order_id')
        ) AS ROW<redemption_id STRING, reward_id STRING, offer_id STRING, order_id STRING>
    ),
    occurred_at AS CASE
        WHEN DATE_FORMAT(
            TO_TIMESTAMP(JSON_VALUE(record_value, '$.occurred_at'), 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''),
            'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''
        ) = JSON_VALUE(record_value, '$.occurred_at')
        THEN TO_TIMESTAMP_LTZ(JSON_VALUE(record_value, '$.occurred_at'), 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''', 'UTC')
    END,
    decided_at AS CASE
        WHEN DATE_FORMAT(
            TO_TIMESTAMP(JSON_VALUE(record_value, '$.decided_at'), 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''),
            'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''
        ) = JSON_VALUE(record_value, '$.decided_at')
        THEN TO_TIMESTAMP_LTZ(JSON_VALUE(record_value, '$.decided_at'), 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''', 'UTC')
    END,
    points AS TRY_CAST(
        REGEXP_EXTRACT(JSON_QUERY(record_value, '$.points' WITH WRAPPER), '^\[(-?[0-9]+)\]$', 1)
        AS BIGINT
    ),
    balance AS CAST(
        ROW(
            TRY_CAST(
                REGEXP_EXTRACT(JSON_QUERY(record_value, '$.balance.pending' WITH WRAPPER), '^\[(-?[0-9]+)\]$', 1)
                AS BIGINT
            ),
            TRY_CAST(
                REGEXP_EXTRACT(JSON_QUERY(record_value, '$.balance.available' WITH WRAPPER), '^\[(-?[0-9]+)\]$', 1)
                AS BIGINT
            ),
            TRY_CAST(
                REGEXP_EXTRACT(JSON_QUERY(record_value, '$.balance.held' WITH WRAPPER), '^\[(-?[0-9]+)\]$', 1)
                AS BIGINT
            ),
            TRY_CAST(
                REGEXP_EXTRACT(JSON_QUERY(record_value, '$.balance.debt' WITH WRAPPER), '^\[(-?[0-9]+)\]$', 1)
                AS BIGINT
            ),
            TRY_CAST(
                REGEXP_EXTRACT(JSON_QUERY(record_value, '$.balance.qualifying' WITH WRAPPER), '^\[(-?[0-9]+)\]$', 1)
                AS BIGINT
            ),
            JSON_VALUE(record_value, '$.balance.tier')
        ) AS ROW<pending BIGINT, available BIGINT, held BIGINT, debt BIGINT, qualifying BIGINT, tier STRING>
    ),
    reasons AS JSON_QUERY(record_value, '$.reasons' RETURNING ARRAY<STRING>),
    cause AS CAST(
        ROW(
            JSON_VALUE(record_value, '$.cause.event_id'),
            JSON_VALUE(record_value, '$.cause.topic'),
            TRY_CAST(
                REGEXP_EXTRACT(JSON_QUERY(record_value, '$.cause.partition' WITH WRAPPER), '^\[(-?[0-9]+)\]$', 1)
                AS BIGINT
            ),
            TRY_CAST(
                REGEXP_EXTRACT(JSON_QUERY(record_value, '$.cause.offset' WITH WRAPPER), '^\[(-?[0-9]+)\]$', 1)
                AS BIGINT
            ),
            JSON_VALUE(record_value, '$.cause.timer')
        ) AS ROW<event_id STRING, topic STRING, `partition` BIGINT, `offset` BIGINT, timer STRING>
    ),
    rules AS JSON_QUERY(record_value, '$.rules'),
    evidence AS JSON_QUERY(record_value, '$.evidence'),
    -- A clock more than 5 minutes ahead of its record moves nothing (contract, `too_early`).
    WATERMARK FOR occurred_at AS CASE
        WHEN occurred_at <= record_time + INTERVAL '5' MINUTE THEN occurred_at - INTERVAL '10' MINUTE
    END
) WITH (
    'topic' = 'loyalty.decisions'
) LIKE kafka;
