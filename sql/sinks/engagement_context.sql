-- What the fraud gate reads (contract §3); the latest record of an account counts.
CREATE TEMPORARY TABLE results.engagement_context (
    account_id STRING,
    last_engaged_at STRING,
    devices MAP<STRING, STRING>,
    PRIMARY KEY (account_id) NOT ENFORCED
) WITH (
    'topic' = 'loyalty.engagement-context',
    'key.format' = 'raw'
) LIKE upsert_topic;
