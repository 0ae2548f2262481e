-- One record an hour, tier and currency; by its key, the same again after a restart replaces it.
CREATE TEMPORARY TABLE results.spend_by_tier_hourly (
    `hour` STRING,
    tier STRING,
    currency STRING,
    purchases BIGINT,
    spent BIGINT,
    PRIMARY KEY (`hour`, tier, currency) NOT ENFORCED
) WITH (
    'topic' = 'loyalty.spend-by-tier-hourly'
) LIKE upsert_topic;
