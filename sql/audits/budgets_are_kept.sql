-- One row is one campaign that has offered more points than the largest budget of its versions.
WITH used AS (
    SELECT campaign_id, SUM(points) AS points
    FROM (
        SELECT
            REGEXP_EXTRACT(rules, '"campaign/([^"]+)"', 1) AS campaign_id,
            TRY_CAST(JSON_VALUE(evidence, '$.offer.bonus_points') AS BIGINT) AS points
        FROM decisions_once
        WHERE type = 'offer.decided' AND outcome = 'made'
    )
    GROUP BY campaign_id
),

budgets AS (
    SELECT document, MAX(TRY_CAST(JSON_VALUE(body, '$.budget_points') AS BIGINT)) AS points
    FROM program
    WHERE document LIKE 'campaign/%'
    GROUP BY document
)

SELECT u.campaign_id, u.points AS offered, b.points AS budget
FROM used AS u INNER JOIN budgets AS b ON 'campaign/' || u.campaign_id = b.document
WHERE u.points > b.points
