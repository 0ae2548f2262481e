-- One row is one version of a programme document, its body as JSON text; unreadable parts are NULL.
-- Made from catalogue/schemas/loyalty.program by `make reference`.
CREATE TEMPORARY TABLE program (
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
    document STRING,
    version BIGINT,
    effective_from TIMESTAMP_LTZ(3),
    body STRING,
    -- A clock more than 5 minutes ahead of its record moves nothing (contract, `too_early`).
    WATERMARK FOR occurred_at AS CASE
        WHEN occurred_at <= record_time + INTERVAL '5' MINUTE THEN occurred_at - INTERVAL '10' MINUTE
    END
) WITH (
    'topic' = 'loyalty.program',
    'value.loyalty-json.as-text' = 'body'
) LIKE kafka;
