-- The latest row of a month and partner counts.
CREATE TEMPORARY TABLE results.partner_settlement_monthly (
    `month` STRING,
    partner_id STRING,
    purchases BIGINT,
    refunds BIGINT,
    points BIGINT,
    points_without_partner BIGINT,
    partner_share BIGINT,
    PRIMARY KEY (`month`, partner_id) NOT ENFORCED
) WITH (
    'topic' = 'loyalty.partner-settlement-monthly'
) LIKE upsert_topic;
