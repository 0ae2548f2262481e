-- One row is one decision_id under which more than one decision was published. One that was sent again says the same, but
-- for its decided_at.
SELECT decision_id, COUNT(DISTINCT said) AS decisions
FROM (
    SELECT decision_id, MD5(REGEXP_REPLACE(record_value, '"decided_at": ?("[^"]*"|null)', '')) AS said
    FROM decisions
)
GROUP BY decision_id
HAVING COUNT(DISTINCT said) > 1
