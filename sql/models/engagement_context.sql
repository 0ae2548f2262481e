-- One row is what an account did lately, after each of its engagements: the last one, and its devices of the 24 h before.
-- Written at once, without waiting for the watermark: the gate asks seconds after a click. An engagement that comes out of
-- order counts by its event time; last_engaged_at never goes back. Looked at are the last 100 engagements to arrive.
SELECT
    account_id,
    last_engaged_at,
    recent_devices('[' || COALESCE(seen, '') || ']', last_engaged_at) AS devices
FROM (
    SELECT
        account_id,
        last_engaged_at,
        LISTAGG(CASE WHEN device_id <> '' THEN JSON_ARRAY(device_id, engaged_at) END) OVER (
            PARTITION BY account_id ORDER BY arrived_at ROWS BETWEEN 99 PRECEDING AND CURRENT ROW
        ) AS seen
    FROM (
        SELECT
            *,
            MAX(engaged_at) OVER (
                PARTITION BY account_id ORDER BY arrived_at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
            ) AS last_engaged_at
        FROM (
            -- As text, which is in the order of time too, and as the contract writes it.
            SELECT
                account_id,
                device_id,
                JSON_VALUE(record_value, '$.occurred_at') AS engaged_at,
                PROCTIME() AS arrived_at
            FROM engagements
            -- What a clock more than 5 minutes ahead says would stay for ever.
            WHERE account_id <> '' AND occurred_at <= record_time + INTERVAL '5' MINUTE
        )
    )
)
