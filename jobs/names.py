"""Every name that a savepoint or a metric knows. None of them ever changes: state is found again by them."""

from __future__ import annotations

JOB = "loyalty-decisions"
MAX_PARALLELISM = 128
"""The number of key groups. Fixed with the first savepoint; no parallelism can be higher."""

READ_RECORDS = "read-records"
CHECK_RECORDS = "check-records"
CLOCK_OF_RECORDS = "clock-of-records"
DECIDE_FOR_ACCOUNT = "decide-for-account"

INTAKE_PAGES = "intake-pages"
ACCOUNT_PAGES = "account-pages"
PROGRAMME = "programme"

OPERATORS = {
    READ_RECORDS: "Read the input topics",
    "pack-records": "Put each record into one run of bytes",
    "hand-over-records": "Leave SQL",
    CHECK_RECORDS: "Check each record, keep the clock, hold transactions until the reference facts are read",
    CLOCK_OF_RECORDS: "Make the clock that each record carries the watermark",
    "records-for-accounts": "Take the timestamp off again",
    "clock-of-documents": "Keep the broadcast from holding the watermark back",
    "programme-documents": "Take the timestamp off again",
    DECIDE_FOR_ACCOUNT: "Decide for one account at a time",
    "decided": "Enter SQL",
    "select-decisions": "Keep the decisions",
    "decisions": "Write loyalty.decisions",
    "select-dead-letters": "Keep the dead letters",
    "dead-letters": "Write loyalty.dead-letters",
    "refused": "Enter SQL",
    "refused-dead-letters": "Write the intake's loyalty.dead-letters",
}
"""What each operator does, by its uid, which is also its name."""

SHAPE = (
    ("records", READ_RECORDS),
    ("Calc", "pack-records"),
    ("SinkConversion", "hand-over-records"),
    ("KEYED PROCESS", CHECK_RECORDS),
    ("Timestamps/Watermarks", CLOCK_OF_RECORDS),
    ("Map", "records-for-accounts"),
    ("Timestamps/Watermarks", "clock-of-documents"),
    ("Map", "programme-documents"),
    ("Keyed-Co-Process-Broadcast", DECIDE_FOR_ACCOUNT),
    ("*anonymous_datastream_source", "decided"),
    ("Calc", "select-decisions"),
    ("decisions", "decisions"),
    ("Calc", "select-dead-letters"),
    ("dead_letters", "dead-letters"),
    ("*anonymous_datastream_source", "refused"),
    ("refused_dead_letters", "refused-dead-letters"),
)
"""The job's operators, in the order in which Flink lists them: what PyFlink or the planner calls each, and its uid."""
