-- One row is one session of a member: engagements with no gap of more than 30 minutes of event time between them.
-- Written once, when the watermark says that the session is over; a later engagement is not in it. One that is sent
-- twice counts once.
WITH engaged AS (
    SELECT event_id, type, member_id, account_id, channel, device_id, occurred_at
    FROM engagements
    WHERE occurred_at IS NOT NULL AND member_id <> ''
)

SELECT
    member_id,
    DATE_FORMAT(window_start, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''') AS started_at,
    DATE_FORMAT(MAX(occurred_at), 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''') AS ended_at,
    MAX(account_id) AS account_id,
    COUNT(DISTINCT event_id) AS engagements,
    COUNT(DISTINCT event_id) FILTER (WHERE type = 'click') AS clicks,
    COUNT(DISTINCT device_id) AS devices,
    COUNT(DISTINCT channel) AS channels
FROM SESSION(TABLE engaged PARTITION BY member_id, DESCRIPTOR(occurred_at), INTERVAL '30' MINUTE)
GROUP BY member_id, window_start, window_end
