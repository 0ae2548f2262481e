-- One row is one campaign and one day (UTC) of event time: offers made that day, and the purchases they have led to so far.
-- A bonus names the offer behind it. It counts on the offer's day if its purchase was within 180 days of the offer; when
-- the order comes back, so does the bonus. `spent` is what those purchases came to, in minor units, whatever came back.
WITH offers AS (
    SELECT
        decision_id,
        -- An offer's rules hold its campaign only.
        REGEXP_EXTRACT(rules, '"campaign/([^"]+)"', 1) AS campaign_id,
        CAST(occurred_at AS DATE) AS `day`,
        occurred_at
    FROM decisions_once
    WHERE type = 'offer.decided' AND outcome = 'made'
),

bonuses AS (
    SELECT
        JSON_VALUE(evidence, '$.offer.decision_id') AS offered_by,
        CASE type WHEN 'points.earned' THEN 1 ELSE 0 END AS taken_up,
        CASE type WHEN 'points.reversed' THEN 1 ELSE 0 END AS undone,
        points,
        TRY_CAST(JSON_VALUE(evidence, '$.amount') AS BIGINT) AS spent,
        occurred_at
    FROM decisions_once
    WHERE type IN ('points.earned', 'points.reversed') AND JSON_EXISTS(evidence, '$.offer.decision_id')
),

counted AS (
    SELECT
        campaign_id,
        `day`,
        1 AS made,
        0 AS taken_up,
        0 AS undone,
        CAST(0 AS BIGINT) AS points,
        CAST(0 AS BIGINT) AS spent
    FROM offers
    UNION ALL
    SELECT o.campaign_id, o.`day`, 0, b.taken_up, b.undone, b.points, b.spent
    FROM offers AS o
    INNER JOIN bonuses AS b
        ON
            o.decision_id = b.offered_by
            AND b.occurred_at BETWEEN o.occurred_at AND o.occurred_at + INTERVAL '180' DAY(3)
)

SELECT
    campaign_id,
    `day`,
    CAST(SUM(made) AS BIGINT) AS made,
    CAST(SUM(taken_up) AS BIGINT) AS taken_up,
    CAST(SUM(undone) AS BIGINT) AS undone,
    SUM(points) AS bonus_points,
    COALESCE(SUM(spent), 0) AS spent
FROM counted
-- An offer whose rules name no campaign is left out.
WHERE campaign_id IS NOT NULL
GROUP BY campaign_id, `day`
