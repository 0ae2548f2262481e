-- One row is one profile or consent of a member as it came; the latest of each counts; unreadable parts are NULL.
-- Made from catalogue/schemas/loyalty.members by `make reference`.
CREATE TEMPORARY TABLE members (
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
    joined_at TIMESTAMP_LTZ(3),
    name STRING,
    birth_date STRING,
    home_store STRING,
    known_devices ARRAY<STRING>,
    offers BOOLEAN,
    profiling BOOLEAN,
    -- A clock more than 5 minutes ahead of its record moves nothing (contract, `too_early`).
    WATERMARK FOR occurred_at AS CASE
        WHEN occurred_at <= record_time + INTERVAL '5' MINUTE THEN occurred_at - INTERVAL '10' MINUTE
    END
) WITH (
    'topic' = 'loyalty.members'
) LIKE kafka;
