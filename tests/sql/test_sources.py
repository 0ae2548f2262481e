"""Every topic of the contract can be read as a table, whatever lies in it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from loyalty.times import parse_time
from ops.topics.catalogue import read_catalogue
from ops.topics.plan import apply
from tests.kafka_records import delete_topics, read_all, send
from tests.sql import odd_values
from tests.sql.conftest import ROOT, FlinkSession
from tests.wire.examples import (
    ADJUSTMENT,
    CONSENT,
    CONTEXT,
    DEAD_LETTER,
    DECISION,
    ENGAGEMENT,
    PROFILE,
    SIGNAL,
    TRANSACTIONS,
    document,
    wire,
)

EXAMPLES: dict[str, list[dict[str, Any]]] = {
    "dead_letters": [DEAD_LETTER],
    "decisions": [DECISION],
    "engagement_context": [CONTEXT],
    "engagements": [{**ENGAGEMENT, "campaign_id": "spring", "device_id": "device-1", "session_id": "session-1"}],
    "fraud_signals": [SIGNAL],
    "members": [{**PROFILE, "name": "Zoë", "birth_date": "1990-02-28", "home_store": "store-3"}, CONSENT],
    "program": [document("earning")],
    "transactions": [*TRANSACTIONS.values()],
}
KEY = b"key-1"
MALFORMED = [None, b"", b"no JSON", b'{"event_id": "cut off', b"[1]", b"\xff\xfe", b"NaN", b'"text"']
ILL_TYPED: dict[str, list[Any]] = {
    "points": [10.0, "10", True, 1e2, 2**64, {"a": 1}],
    "occurred_at": ["2026-11-23", "2026-06-31T10:15:00.000Z", "2026-11-23T24:00:00.000Z", "2026-11-23T10:15:00Z", 7],
    "qualifying": ["true", 1],
}
"""What is no value of these fields of an adjustment."""
AT = "2026-11-23T10:15:00.000Z"
FAR_AHEAD = "2226-11-23T10:15:00.000Z"
AN_HOUR_LATER = "2026-11-23T11:15:00.000Z"


def topic(table: str) -> str:
    return "loyalty." + table.replace("_", "-")


@pytest.fixture(scope="module")
def sources(bootstrap: str, flink: FlinkSession) -> Iterator[FlinkSession]:
    """The tables over topics that hold, in partition 0, the examples, what cannot be read, the last example again."""
    topics = read_catalogue()
    delete_topics(bootstrap, [each.name for each in topics])
    apply(bootstrap, topics)
    for table, examples in EXAMPLES.items():
        values = [*map(wire, examples), *MALFORMED, wire(examples[-1])]
        send(bootstrap, topic(table), [(KEY, value) for value in values], partition=0)
    assert flink.create_sources(bootstrap) == sorted(EXAMPLES)
    yield flink
    delete_topics(bootstrap, [each.name for each in topics])


def as_sql(value: Any, name: str) -> Any:
    """What SQL shows of a field of an example."""
    if name.endswith(("_at", "_from")):
        return parse_time(value)
    if name in ("body", "devices", "rules", "evidence"):
        return as_json(value)
    if name in ("lines", "reasons"):
        return [as_json(each) if isinstance(each, dict) else each for each in value]
    return value


def as_json(value: Any) -> str:
    """As Flink writes it: no spaces, names in order."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


def test_every_topic_of_the_catalogue_is_read_by_a_source_or_written_by_a_model() -> None:
    tables = {path.stem for path in (ROOT / "sql/sources").glob("*.sql")}
    written = {path.stem for path in (ROOT / "sql/sinks").glob("*.sql")}
    of_verify_alone = {"loyalty.anchors"}
    assert {topic(table) for table in tables | written} == {each.name for each in read_catalogue()} - of_verify_alone
    assert tables == set(EXAMPLES)


@pytest.mark.parametrize("table", EXAMPLES)
def test_a_table_shows_every_field_of_its_records_and_goes_on_after_bad_ones(
    table: str, bootstrap: str, sources: FlinkSession
) -> None:
    rows = sources.read(f"SELECT * FROM {table} WHERE record_partition = 0")
    kept = [record for record in read_all(bootstrap, topic(table)) if record.partition == 0]
    examples = [*EXAMPLES[table], *([None] * len(MALFORMED)), EXAMPLES[table][-1]]
    assert len(rows) == len(kept) == len(examples)
    for row, record, example in zip(rows, kept, examples, strict=True):
        assert (row["record_partition"], row["record_offset"]) == (record.partition, record.offset)
        assert row["record_time"] == record.timestamp_ms
        assert row["record_key"] == KEY.decode()
        fields = {name: value for name, value in row.items() if not name.startswith("record_")}
        assert flat(fields) == flat({name: as_sql(value, name) for name, value in (example or {}).items()})


def flat(fields: dict[str, Any]) -> dict[str, Any]:
    """Without what is NULL, the fields of rows by a path."""
    found: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, dict):
            found |= {f"{name}.{inner}": each for inner, each in flat(value).items()}
        elif value is not None:
            found[name] = value
    return found


def test_a_value_of_the_wrong_type_is_null_and_never_made_to_fit(bootstrap: str, sources: FlinkSession) -> None:
    changed = [(field, value) for field, values in ILL_TYPED.items() for value in values]
    records = [(KEY, wire(ADJUSTMENT, **{field: value})) for field, value in changed]
    send(bootstrap, topic("transactions"), records, partition=1)
    rows = sources.read(
        "SELECT record_offset, event_id, points, occurred_at, qualifying FROM transactions WHERE record_partition = 1"
    )
    right = {"points": -250, "occurred_at": parse_time(AT), "qualifying": False}
    for row, (field, _) in zip(rows, changed, strict=True):
        assert row == {"record_offset": row["record_offset"], "event_id": "event-1", **right, field: None}


def test_neither_a_bad_record_nor_a_wrong_clock_disturbs_event_time(
    bootstrap: str, new_topic: Callable[..., str], sources: FlinkSession
) -> None:
    one_partition = new_topic()  # the time of another one would hide what this one's does
    values = [wire(ENGAGEMENT, occurred_at=at) for at in (AT, FAR_AHEAD)] + MALFORMED
    values += [wire(ENGAGEMENT, occurred_at=AN_HOUR_LATER)] * 2
    send(bootstrap, one_partition, [(KEY, value) for value in values])
    options = f"'topic' = '{one_partition}', 'scan.watermark.emit.strategy' = 'on-event'"
    counted = sources.read(
        f"""
        WITH timed AS (
            SELECT * FROM engagements /*+ OPTIONS({options}) */
            WHERE occurred_at IS NOT NULL
        )
        SELECT COUNT(*) AS engagements
        FROM TUMBLE(TABLE timed, DESCRIPTOR(occurred_at), INTERVAL '1' HOUR)
        GROUP BY window_start, window_end
        """
    )
    assert [row["engagements"] for row in counted] == [1, 2, 1]  # in the order of time


@pytest.mark.parametrize(("table", "example"), [("decisions", DECISION), ("members", {**PROFILE, **CONSENT})])
def test_a_column_is_what_flinks_own_json_functions_read_whatever_lies_in_the_record(
    table: str, example: dict[str, Any], bootstrap: str, sources: FlinkSession
) -> None:
    """Those parse the record once a column; they are the definition of what a column is."""
    hostile = odd_values.records(example)
    send(bootstrap, topic(table), [(KEY, value) for value in hostile], partition=2)
    columns, as_text = columns_of(table)
    same = odd_values.compared(columns, as_text)
    counted = ", ".join(f"COUNT(*) FILTER (WHERE NOT ({each})) AS column{at}" for at, each in enumerate(same.values()))
    *_, last = sources.read(f"SELECT COUNT(*) AS records, {counted} FROM {table} WHERE record_partition = 2")
    assert last["records"] == len(hostile)
    assert {name: last[f"column{at}"] for at, name in enumerate(same)} == dict.fromkeys(same, 0)


def columns_of(table: str) -> tuple[dict[str, str], set[str]]:
    """The types of the columns that are read in a value, those of a ROW's fields as `row.field`; and what is JSON."""
    text = (ROOT / f"sql/sources/{table}.sql").read_text("utf-8")
    columns: dict[str, str] = {}
    for name, sql_type in re.findall(r"^    `?(\w+)`? ([A-Z][^\n]*),$", text, re.MULTILINE):
        inner = re.fullmatch(r"ROW<(.*)> NOT NULL", sql_type)
        if inner:
            columns |= {f"{name}.{field}": each for field, each in re.findall(r"`?(\w+)`? (\w+)", inner[1])}
        elif not name.startswith("record_"):
            columns[name] = sql_type
    as_text = re.search(r"'value.loyalty-json.as-text' = '(.*)'", text)
    return columns, set(as_text[1].split(";")) if as_text else set()
