-- One record a session; by its key, the same again after a restart replaces it.
CREATE TEMPORARY TABLE results.sessions_by_member (
    member_id STRING,
    started_at STRING,
    ended_at STRING,
    account_id STRING,
    engagements BIGINT,
    clicks BIGINT,
    devices BIGINT,
    channels BIGINT,
    PRIMARY KEY (member_id, started_at) NOT ENFORCED
) WITH (
    'topic' = 'loyalty.sessions-by-member'
) LIKE upsert_topic;
