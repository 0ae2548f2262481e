"""Every name that a savepoint or a metric knows. None of them ever changes: state is found again by them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

JOB = "loyalty-decisions"
SQL_JOB = "loyalty-sql"
CONTEXT_JOB = "loyalty-engagement-context"
OFFERS_JOB = "loyalty-offers"
MAX_PARALLELISM = 128
"""The number of key groups. Fixed with the first savepoint; no parallelism can be higher."""

READ_RECORDS = "read-records"
PACK_RECORDS = "pack-records"
CHECK_RECORDS = "check-records"
WATERMARK_OF_RECORDS = "clock-of-records"
DECIDE_FOR_ACCOUNT = "decide-for-account"
CHECK_ENGAGEMENTS = "check-engagements"
MATCH_CAMPAIGNS = "match-campaigns"
MAKE_OFFERS = "make-offers"
SELECT_DECISIONS = "select-decisions"
SELECT_DEAD_LETTERS = "select-dead-letters"
REFUSED = "refused"

INTAKE_ENTRIES = "intake-pages"
ACCOUNT_ENTRIES = "account-pages"
OFFER_ENTRIES = "offer-pages"
PROGRAMME = "programme"

OPERATORS = {
    READ_RECORDS: "Read the input topics",
    "select-records": "Keep the records that are wanted",
    "hand-over-records": "Leave SQL",
    PACK_RECORDS: "Put each record into one run of bytes",
    CHECK_RECORDS: "Check each record, keep the watermark, hold transactions until the reference facts are read",
    WATERMARK_OF_RECORDS: "Make the watermark that each record carries Flink's",
    "records-for-accounts": "Take the timestamp off again",
    "clock-of-documents": "Keep the broadcast from holding the watermark back",
    "programme-documents": "Take the timestamp off again",
    DECIDE_FOR_ACCOUNT: "Decide for one account at a time",
    "decided": "Enter SQL",
    SELECT_DECISIONS: "Keep the decisions",
    "decisions": "Write loyalty.decisions",
    SELECT_DEAD_LETTERS: "Keep the dead letters",
    "dead-letters": "Write loyalty.dead-letters",
    REFUSED: "Enter SQL",
    "refused-dead-letters": "Write the intake's loyalty.dead-letters",
}
"""What each operator does, by its uid, which is also its name."""

SHAPE = (
    ("records", READ_RECORDS),
    ("Calc", "select-records"),
    ("SinkConversion", "hand-over-records"),
    (PACK_RECORDS, PACK_RECORDS),
    ("KEYED PROCESS", CHECK_RECORDS),
    ("Timestamps/Watermarks", WATERMARK_OF_RECORDS),
    ("Map", "records-for-accounts"),
    ("Timestamps/Watermarks", "clock-of-documents"),
    ("Map", "programme-documents"),
    ("Keyed-Co-Process-Broadcast", DECIDE_FOR_ACCOUNT),
    ("*anonymous_datastream_source", "decided"),
    ("Calc", SELECT_DECISIONS),
    ("decisions", "decisions"),
    ("Calc", SELECT_DEAD_LETTERS),
    ("dead_letters", "dead-letters"),
    ("*anonymous_datastream_source", REFUSED),
    ("refused_dead_letters", "refused-dead-letters"),
)
"""The job's operators, in the order in which Flink lists them: what PyFlink or the planner calls each, and its uid."""


_OFFERS_OPERATORS = {
    uid: OPERATORS[uid]
    for uid in (
        READ_RECORDS,
        "select-records",
        "hand-over-records",
        PACK_RECORDS,
        "decided",
        SELECT_DECISIONS,
        "decisions",
        SELECT_DEAD_LETTERS,
        "dead-letters",
        REFUSED,
        "refused-dead-letters",
    )
} | {
    CHECK_ENGAGEMENTS: "Check each record, hold engagements until the reference facts and past offers are read",
    MATCH_CAMPAIGNS: "Find the campaigns that an engagement may trigger",
    MAKE_OFFERS: "Make offers under cap and budget: the one owner of both",
}

_OFFERS_SHAPE = (
    *SHAPE[:4],
    ("KEYED PROCESS", CHECK_ENGAGEMENTS),
    ("Keyed-Co-Process-Broadcast", MATCH_CAMPAIGNS),
    ("KEYED PROCESS", MAKE_OFFERS),
    *SHAPE[10:],
)


class JobNames(NamedTuple):
    """The names of one job."""

    job: str
    operators: Mapping[str, str]
    """What each operator does, by its uid."""
    shape: tuple[tuple[str, str], ...]
    """What PyFlink or the planner calls each operator, in Flink's order, and its uid."""


DECISIONS_NAMES = JobNames(JOB, OPERATORS, SHAPE)
OFFERS_NAMES = JobNames(OFFERS_JOB, _OFFERS_OPERATORS, _OFFERS_SHAPE)
SQL_NAMES = JobNames(SQL_JOB, {}, ())
CONTEXT_NAMES = JobNames(CONTEXT_JOB, {}, ())
"""The planner names the operators of the SQL models, by their place in the plan."""
