"""Three right models, and edits of them that people get wrong."""

from __future__ import annotations

from typing import NamedTuple

EARNED = """\
-- One row is one account and one day (UTC): points earned, and how many decisions earned them.
WITH earned AS (
    SELECT account_id, points, type, occurred_at
    FROM decisions
    WHERE type = 'points.earned' AND points > 0 AND account_id IS NOT NULL AND occurred_at IS NOT NULL
)

SELECT
    account_id,
    CAST(occurred_at AS DATE) AS `day`,
    SUM(points) AS earned,
    COUNT(*) AS decisions
FROM earned
GROUP BY account_id, CAST(occurred_at AS DATE)
"""
EARNED_SINK = """\
CREATE TEMPORARY TABLE results.earned_daily (
    account_id STRING,
    `day` DATE,
    earned BIGINT,
    decisions BIGINT,
    PRIMARY KEY (account_id, `day`) NOT ENFORCED
) WITH ('topic' = 'loyalty.decisions') LIKE upsert_topic
"""
HOURLY = """\
-- One row is one hour and one channel: purchases.
WITH timed AS (
    SELECT account_id, channel, order_id, points, occurred_at
    FROM transactions
    WHERE type = 'purchase' AND occurred_at IS NOT NULL
)

SELECT
    window_start,
    channel,
    COUNT(DISTINCT order_id) AS purchases
FROM TUMBLE(TABLE timed, DESCRIPTOR(occurred_at), INTERVAL '1' HOUR)
GROUP BY window_start, window_end, channel
"""
HOURLY_SINK = """\
CREATE TEMPORARY TABLE results.purchases_hourly (
    window_start TIMESTAMP(3),
    channel STRING,
    purchases BIGINT
) WITH ('topic' = 'loyalty.decisions') LIKE append_topic
"""
REDEEMED = """\
-- One row is one redemption decision, and a purchase of the hour before it.
SELECT
    d.decision_id,
    d.account_id,
    t.store_id,
    d.points
FROM decisions AS d
INNER JOIN transactions AS t
    ON
        d.account_id = t.account_id
        AND t.occurred_at BETWEEN d.occurred_at - INTERVAL '1' HOUR AND d.occurred_at
WHERE d.type = 'redemption.decided'
"""
REDEEMED_SINK = """\
CREATE TEMPORARY TABLE results.redeemed (
    decision_id STRING,
    account_id STRING,
    store_id STRING,
    points BIGINT
) WITH ('topic' = 'loyalty.decisions') LIKE append_topic
"""
MODELS = {
    "earned_daily": (EARNED, EARNED_SINK),
    "purchases_hourly": (HOURLY, HOURLY_SINK),
    "redeemed": (REDEEMED, REDEEMED_SINK),
}


class Edit(NamedTuple):
    """`old` becomes `new` in the model, or in its sink; the message must name the line and have the words."""

    what: str
    model: str
    old: str
    new: str
    line: int
    words: str
    sink: bool = False


E, H, R = MODELS
EDITS = [
    Edit("a comma is missing between columns with names", E, "`day`,\n", "`day`\n", 10, "comma"),
    Edit(
        "a comma is missing after the first column",
        E,
        "    account_id,\n    CAST",
        "    account_id\n    CAST",
        9,
        "comma",
    ),
    Edit(
        "a comma is missing and the next word becomes a name",
        H,
        "window_start,\n    channel",
        "window_start\n    channel",
        9,
        "comma",
    ),
    Edit("a comma is missing in a WITH", E, "account_id, points, type,", "account_id, points type,", 3, "type"),
    Edit("a comma is missing in GROUP BY", H, "window_end, channel", "window_end channel", 13, "comma"),
    Edit("a comma is left over before FROM", E, "AS decisions\n", "AS decisions,\n", 12, "comma"),
    Edit("a column is misspelt", E, "SUM(points)", "SUM(poinst)", 11, "points"),
    Edit("a column of a joined table is misspelt", R, "t.store_id", "t.stor_id", 5, "store_id"),
    Edit("a column is not in the WITH that is read", E, "account_id, points, type,", "account_id, type,", 11, "points"),
    Edit("a column is that of another table", R, "d.points\n", "d.order_id\n", 6, "order_id"),
    Edit("a table is misspelt", E, "FROM decisions", "FROM decision", 4, "decisions"),
    Edit("a table is not there at all", R, "JOIN transactions", "JOIN orders", 8, "orders"),
    Edit("a topic's name is used for a table", E, "FROM decisions", "FROM loyalty.decisions", 4, "loyalty.decisions"),
    Edit("a name of a WITH is misspelt", E, "FROM earned", "FROM earnd", 13, "earnd"),
    Edit("an alias is wrong", R, "    t.store_id", "    x.store_id", 5, "x"),
    Edit(
        "an alias is wrong in a condition", R, "d.account_id = t.account_id", "d.account_id = tr.account_id", 10, "tr"
    ),
    Edit("a column is in both tables", R, "    d.account_id,", "    account_id,", 4, "alias"),
    Edit("a function is misspelt", E, "SUM(points)", "SUMM(points)", 11, "SUM"),
    Edit(
        "a function of another database",
        E,
        "CAST(occurred_at AS DATE) AS",
        "DATE_TRUNC('day', occurred_at) AS",
        10,
        "DATE_TRUNC",
    ),
    Edit(
        "a function of ours has too few arguments",
        E,
        "SUM(points)",
        "SUM(points_for_line(points, 1))",
        11,
        "points_for_line",
    ),
    Edit("a number is compared with text", E, "points > 0", "points = TRUE", 5, "CAST"),
    Edit("text is added up", H, "COUNT(DISTINCT order_id)", "SUM(channel)", 11, "CAST"),
    Edit(
        "a column has another type than in the sink",
        E,
        "SUM(points) AS earned",
        "MAX(account_id) AS earned",
        11,
        "STRING",
    ),
    Edit(
        "a time goes where a day belongs", H, "    window_start,\n", "    channel AS window_start,\n", 9, "window_start"
    ),
    Edit("a reserved word names a column", E, "AS `day`", "AS day", 10, "backticks"),
    Edit(
        "a reserved word is read as a column", E, "    account_id,\n    CAST", "    offset,\n    CAST", 9, "backticks"
    ),
    Edit("a reserved word names a table", R, "decisions AS d", "decisions AS value", 7, "backticks"),
    Edit(
        "a GROUP BY without a window goes to an append sink",
        H,
        "TUMBLE(TABLE timed, DESCRIPTOR(occurred_at), INTERVAL '1' HOUR)\nGROUP BY window_start, window_end",
        "(SELECT *, CAST(occurred_at AS TIMESTAMP(3)) AS window_start FROM timed)\nGROUP BY window_start",
        13,
        "window_end",
    ),
    Edit("a DISTINCT goes to an append sink", R, "SELECT\n    d.dec", "SELECT DISTINCT\n    d.dec", 2, "upsert_topic"),
    Edit(
        "an outer join without time goes to an append sink",
        R,
        "INNER JOIN transactions AS t\n    ON\n        d.account_id = t.account_id\n"
        "        AND t.occurred_at BETWEEN d.occurred_at - INTERVAL '1' HOUR AND d.occurred_at",
        "LEFT JOIN transactions AS t ON d.account_id = t.account_id",
        8,
        "upsert_topic",
    ),
    Edit("a column is not grouped", E, "GROUP BY account_id, CAST", "GROUP BY CAST", 9, "GROUP BY"),
    Edit("GROUP BY is forgotten", E, "GROUP BY account_id, CAST(occurred_at AS DATE)\n", "", 9, "GROUP BY"),
    Edit(
        "the watermark is lost by a CAST",
        H,
        "points, occurred_at\n",
        "points, CAST(occurred_at AS TIMESTAMP(3)) AS occurred_at\n",
        12,
        "watermark",
    ),
    Edit(
        "a window over a time that has no watermark",
        H,
        "points, occurred_at\n",
        "points, record_time AS occurred_at\n",
        12,
        "watermark",
    ),
    Edit("a window's time is misspelt", H, "DESCRIPTOR(occurred_at)", "DESCRIPTOR(occured_at)", 12, "occurred_at"),
    Edit("TABLE is forgotten in a window", H, "TUMBLE(TABLE timed,", "TUMBLE(timed,", 12, "TABLE"),
    Edit("DESCRIPTOR is forgotten in a window", H, "DESCRIPTOR(occurred_at)", "occurred_at", 12, "DESCRIPTOR"),
    Edit("a window's length is a plain number", H, "INTERVAL '1' HOUR)", "1)", 12, "TUMBLE"),
    Edit("an interval's number is not in quotes", H, "INTERVAL '1' HOUR)", "INTERVAL 1 HOUR)", 12, "quotes"),
    Edit("an interval's unit is none", H, "INTERVAL '1' HOUR)", "INTERVAL '1' HOURLY)", 12, "HOURLY"),
    Edit("two statements in a model", E, "OF_THE_END", ";\nSELECT 1", 16, "second statement"),
    Edit(
        "an INSERT in a model",
        E,
        "WITH earned AS (",
        "INSERT INTO results.earned_daily WITH earned AS (",
        2,
        "no SELECT",
    ),
    Edit("a parenthesis is not closed", E, "SUM(points)", "SUM(points", 11, ")"),
    Edit("a parenthesis too many", E, "SUM(points)", "SUM(points))", 11, ")"),
    Edit("a text is not closed", E, "'points.earned'", "'points.earned", 5, "'"),
    Edit("text is in double quotes", E, "'points.earned'", '"points.earned"', 5, "single quotes"),
    Edit("FROM is forgotten", E, "FROM earned\n", "", 13, "GROUP"),
    Edit("the keyword is misspelt", E, "GROUP BY", "GRUOP BY", 14, "BY"),
    Edit("WHERE comes after GROUP BY", E, "OF_THE_END", "WHERE earned > 0", 15, "WHERE"),
    Edit("an aggregate in WHERE", E, "points > 0", "SUM(points) > 0", 5, "HAVING"),
    Edit("a CASE has no END", E, "SUM(points)", "SUM(CASE WHEN points > 5 THEN points)", 11, ")"),
    Edit("two equals signs", R, "d.account_id = t", "d.account_id == t", 10, "="),
    Edit(
        "a key that is another each time",
        E,
        "    account_id,\n    CAST",
        "    UUID() AS account_id,\n    CAST",
        9,
        "UUID",
    ),
    Edit(
        "the key of the sink is not what is grouped by",
        E,
        "PRIMARY KEY (account_id, `day`)",
        "PRIMARY KEY (account_id)",
        8,
        "key",
        True,
    ),
    Edit(
        "columns are in another order than in the sink",
        E,
        "SUM(points) AS earned,\n    COUNT(*) AS decisions",
        "COUNT(*) AS decisions,\n    SUM(points) AS earned",
        11,
        "order",
    ),
    Edit("a column is named otherwise than in the sink", E, "AS earned,", "AS points_earned,", 11, "earned"),
    Edit("a column of the sink is not given", E, "AS earned,\n    COUNT(*) AS decisions", "AS earned", 11, "decisions"),
    Edit("a column more than the sink has", R, "    d.points\n", "    d.points,\n    d.type\n", 7, "type"),
    Edit("a key may be NULL", E, " AND account_id IS NOT NULL", "", 9, "may be NULL"),
    Edit(
        "a window begins at an offset",
        H,
        "INTERVAL '1' HOUR)",
        "INTERVAL '1' DAY, INTERVAL '4' HOUR)",
        12,
        "offset",
    ),
    Edit(
        "a running sum is over rows that change",
        E,
        "SUM(points) AS earned",
        "SUM(SUM(points)) OVER (ORDER BY CAST(occurred_at AS DATE)) AS earned",
        11,
        "restart",
    ),
    Edit("the rows are to be sorted", R, "OF_THE_END", "ORDER BY d.points", 13, "ORDER BY"),
    Edit(
        "the first line does not say what a row is",
        R,
        "-- One row is one redemption decision, and a purchase of the hour before it.\n",
        "",
        1,
        "first line",
    ),
    Edit("a model that reads itself", E, "FROM decisions", "FROM earned_daily", 4, "itself"),
    Edit(
        "an upsert sink without a key",
        E,
        ",\n    PRIMARY KEY (account_id, `day`) NOT ENFORCED",
        "",
        6,
        "primary key",
        True,
    ),
    Edit(
        "an append sink with a key",
        H,
        "purchases BIGINT",
        "purchases BIGINT,\n    PRIMARY KEY (channel) NOT ENFORCED",
        5,
        "primary key",
        True,
    ),
    Edit(
        "a topic that is not in the catalogue",
        E,
        "'loyalty.decisions'",
        "'loyalty.decision'",
        7,
        "loyalty.decisions",
        True,
    ),
    Edit("a type of a sink is none", E, "earned BIGINT", "earned BIGINTEGER", 4, "BIGINTEGER", True),
]


def edited(edit: Edit) -> tuple[str, str]:
    """The model and its sink after the edit."""
    model, sink = MODELS[edit.model]
    if edit.old == "OF_THE_END":
        return model + edit.new, sink
    before = sink if edit.sink else model
    assert before.count(edit.old) >= 1, edit
    after = before.replace(edit.old, edit.new, 1)
    return (model, after) if edit.sink else (after, sink)
