-- The latest row of a campaign and day counts.
CREATE TEMPORARY TABLE results.campaign_results (
    campaign_id STRING,
    `day` DATE,
    made BIGINT,
    taken_up BIGINT,
    undone BIGINT,
    bonus_points BIGINT,
    spent BIGINT,
    PRIMARY KEY (campaign_id, `day`) NOT ENFORCED
) WITH (
    'topic' = 'loyalty.campaign-results'
) LIKE upsert_topic;
