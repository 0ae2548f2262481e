-- The latest row of a day, way and reason counts.
CREATE TEMPORARY TABLE results.tier_movements_daily (
    `day` DATE,
    tier_before STRING,
    tier STRING,
    reason STRING,
    movements BIGINT,
    PRIMARY KEY (`day`, tier_before, tier, reason) NOT ENFORCED
) WITH (
    'topic' = 'loyalty.tier-movements-daily'
) LIKE upsert_topic;
