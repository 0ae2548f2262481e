-- The latest row of a day counts.
CREATE TEMPORARY TABLE results.points_liability_daily (
    `day` DATE,
    opening BIGINT,
    earned BIGINT,
    released BIGINT,
    reversed BIGINT,
    adjusted BIGINT,
    expired BIGINT,
    redeemed BIGINT,
    closing BIGINT,
    PRIMARY KEY (`day`) NOT ENFORCED
) WITH (
    'topic' = 'loyalty.points-liability-daily',
    -- A day changes with every decision; written is what it is once a second. It also hides that such a change is a
    -- deletion and an insertion to Flink.
    'sink.buffer-flush.max-rows' = '100000',
    'sink.buffer-flush.interval' = '1 s'
) LIKE upsert_topic;
