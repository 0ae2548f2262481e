-- One row is one redemption whose points are held although its account has a decision of the hold's end or later.
-- How long a hold lasts says the version of the `redemption` document that the decision names.
WITH held AS (
    SELECT DISTINCT
        account_id,
        subject.redemption_id AS redemption_id,
        cause.event_id AS requested_by,
        outcome,
        TRY_CAST(JSON_VALUE(rules, '$.redemption') AS BIGINT) AS version,
        CAST(occurred_at AS TIMESTAMP(3)) AS requested_at
    FROM decisions
    WHERE type = 'redemption.decided' AND outcome IN ('approved', 'review')
),

durations AS (
    SELECT
        version,
        LAST_VALUE(TRY_CAST(JSON_VALUE(body, '$.hold_minutes') AS INT)) AS approved_minutes,
        LAST_VALUE(TRY_CAST(JSON_VALUE(body, '$.review_hold_minutes') AS INT)) AS review_minutes
    FROM program
    WHERE document = 'redemption'
    GROUP BY version
),

latest AS (
    SELECT account_id, MAX(CAST(occurred_at AS TIMESTAMP(3))) AS occurred_at
    FROM decisions
    WHERE `stream` = 'ledger'
    GROUP BY account_id
),

ended AS (
    SELECT account_id, JSON_VALUE(evidence, '$.requested_by') AS requested_by
    FROM decisions
    WHERE type IN ('redemption.settled', 'redemption.released')
)

SELECT account_id, redemption_id, held_until
FROM (
    SELECT
        h.account_id,
        h.redemption_id,
        h.requested_by,
        TIMESTAMPADD(
            MINUTE, CASE h.outcome WHEN 'approved' THEN d.approved_minutes ELSE d.review_minutes END, h.requested_at
        ) AS held_until,
        l.occurred_at AS latest_at
    FROM held AS h
    INNER JOIN durations AS d ON h.version = d.version
    INNER JOIN latest AS l ON h.account_id = l.account_id
) AS h
WHERE
    latest_at >= held_until
    AND NOT EXISTS (
        SELECT 1 FROM ended AS e
        WHERE e.account_id = h.account_id AND e.requested_by = h.requested_by
    )
