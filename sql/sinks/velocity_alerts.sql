-- One record an alert; by its key, the same again after a restart replaces it.
CREATE TEMPORARY TABLE results.velocity_alerts (
    account_id STRING,
    started_at STRING,
    ended_at STRING,
    first_redemption_id STRING,
    last_redemption_id STRING,
    last_outcome STRING,
    PRIMARY KEY (account_id, started_at) NOT ENFORCED
) WITH (
    'topic' = 'loyalty.velocity-alerts'
) LIKE upsert_topic;
