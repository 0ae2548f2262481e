-- One row is one account's ledger, or one member's offers, whose decisions are not numbered 1, 2, 3 … each once.
SELECT
    `stream`,
    owner,
    COUNT(DISTINCT sequence) AS numbers,
    COUNT(DISTINCT decision_id) AS decisions,
    MAX(sequence) AS last_number
FROM (
    SELECT *, CASE `stream` WHEN 'ledger' THEN account_id ELSE member_id END AS owner
    FROM decisions
)
GROUP BY `stream`, owner
HAVING
    COALESCE(MIN(sequence), 0) <> 1
    OR COUNT(DISTINCT sequence) <> MAX(sequence)
    OR COUNT(DISTINCT decision_id) <> MAX(sequence)
