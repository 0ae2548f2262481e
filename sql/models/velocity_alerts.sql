-- One row is one alert: an account asked for four redemptions in less than 10 minutes of event time, whatever came of them.
-- The next alert of the account begins behind it. A decision that is sent twice has the same sequence and counts once.
SELECT
    account_id,
    DATE_FORMAT(first_at, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''') AS started_at,
    DATE_FORMAT(last_at, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''') AS ended_at,
    first_redemption_id,
    last_redemption_id,
    last_outcome
FROM (
    SELECT account_id, sequence, subject.redemption_id AS redemption_id, outcome, occurred_at
    FROM decisions
    WHERE type = 'redemption.decided' AND account_id <> '' AND sequence IS NOT NULL AND occurred_at IS NOT NULL
)
    MATCH_RECOGNIZE (
        PARTITION BY account_id
        ORDER BY occurred_at, sequence
        MEASURES
            FIRST(A.occurred_at) AS first_at,
            LAST(D.occurred_at) AS last_at,
            FIRST(A.redemption_id) AS first_redemption_id,
            LAST(D.redemption_id) AS last_redemption_id,
            LAST(D.outcome) AS last_outcome
        ONE ROW PER MATCH
        AFTER MATCH SKIP PAST LAST ROW
        PATTERN (A A2* B B2* C C2* D) WITHIN INTERVAL '10' MINUTE
        DEFINE
            A2 AS A2.sequence = LAST(A.sequence),
            B AS B.sequence <> LAST(A.sequence),
            B2 AS B2.sequence = LAST(B.sequence),
            C AS C.sequence <> LAST(B.sequence),
            C2 AS C2.sequence = LAST(C.sequence),
            D AS D.sequence <> LAST(C.sequence)
    )
