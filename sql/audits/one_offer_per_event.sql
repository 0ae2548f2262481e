-- One row is one engagement for which a member was made more than one offer.
SELECT member_id, event_id, COUNT(DISTINCT decision_id) AS offers
FROM (
    SELECT member_id, cause.event_id AS event_id, decision_id
    FROM decisions
    WHERE type = 'offer.decided' AND outcome = 'made'
)
GROUP BY member_id, event_id
HAVING COUNT(DISTINCT decision_id) > 1
