"""What SQL gets from `udfs` is what `loyalty` gives."""

from __future__ import annotations

import re

from loyalty.rules.earning import Rates, line_points
from loyalty.rules.reason_texts import reason_text
from loyalty.times import format_time, parse_time
from loyalty.wire.transactions import PurchaseLine
from tests.sql.conftest import ROOT, FlinkSession
from udfs.functions import FUNCTIONS

LINE = PurchaseLine(line_id="1", sku="sku-1", category="beauty", quantity=1, amount=799)
RATES = Rates(points=3, per_minor=100, category_bp={"beauty": 15_000}, tier_bp=12_500, partner_bp=11_000)


def answers(flink: FlinkSession, *calls: str) -> list[object]:
    (row,) = flink.read("SELECT " + ", ".join(f"{call} AS answer{at}" for at, call in enumerate(calls)))
    return list(row.values())


def test_one_call_registers_every_function(flink: FlinkSession) -> None:
    assert flink.functions == [function.name for function in FUNCTIONS]


def test_a_line_earns_in_sql_what_it_earns_in_the_ledger(flink: FlinkSession) -> None:
    earned = answers(
        flink,
        "points_for_line(799, 3, 100, 15000, 12500, 11000)",
        "qualifying_points_for_line(799, 3, 100, 15000)",
        "points_for_line(CAST(9007199254740991 AS BIGINT), 1, 1, 10000, 10000, 10000)",
    )
    assert earned == [*line_points(LINE.category, LINE.amount, RATES), 2**53 - 1]
    assert earned[:2] == [49, 35]


def test_a_time_is_read_and_written_in_sql_as_on_the_topics(flink: FlinkSession) -> None:
    text = "2024-02-29T23:59:59.999Z"
    ms = parse_time(text)
    assert answers(flink, f"epoch_ms('{text}')", f"time_text(CAST({ms} AS BIGINT))") == [ms, format_time(ms)]


def test_what_has_no_answer_is_null_and_does_not_stop_the_query(flink: FlinkSession) -> None:
    calls = [
        "epoch_ms('2026-06-31T10:15:00.000Z')",
        "epoch_ms(CAST(NULL AS STRING))",
        "time_text(CAST(9007199254740991 AS BIGINT))",
        "points_for_line(799, 3, 0, 15000, 12500, 11000)",
        "points_for_line(799, CAST(NULL AS BIGINT), 100, 15000, 12500, 11000)",
        "points_for_line(CAST(9007199254740991 AS BIGINT), CAST(9007199254740991 AS BIGINT), 1, 10000, 10000, 10000)",
    ]
    assert answers(flink, *calls) == [None] * len(calls)


def test_devices_of_the_last_24_hours_are_a_map_in_sql(flink: FlinkSession) -> None:
    seen = '[["phone","2026-05-01T10:00:00.001Z"],["old","2026-05-01T10:00:00.000Z"]]'
    devices = f"recent_devices('{seen}', '2026-05-02T10:00:00.000Z')"
    assert answers(flink, f"{devices}['phone']", f"CARDINALITY({devices})") == ["2026-05-01T10:00:00.001Z", 1]
    assert answers(flink, "CARDINALITY(recent_devices('[]', '2026-05-02T10:00:00.000Z'))") == [0]
    for unreadable in ("'no JSON'", "'[1]'", '\'[["phone","today"]]\'', "CAST(NULL AS STRING)"):
        assert answers(flink, f"CARDINALITY(recent_devices({unreadable}, '2026-05-02T10:00:00.000Z'))") == [0]


def test_sql_masks_and_words_as_the_domain_does(flink: FlinkSession) -> None:
    calls = ["masked('member-123', 'internal')", "masked('member-123', 'confidential')", "masked('Zoë', 'personal')"]
    assert answers(flink, *calls) == ["member-123", "***-123", "***"]
    assert answers(flink, "reason_text('refund')", "reason_text('no code')") == [reason_text("refund"), None]


def test_the_readme_names_every_function_with_its_types() -> None:
    readme = (ROOT / "sql/README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)\((.*?)\)` \| ([^|]+) \| (.+) \|$", readme, re.MULTILINE)
    assert rows == [
        (each.name, ", ".join(f"{name} {kind}" for name, kind in each.takes.items()), each.gives, each.meaning)
        for each in FUNCTIONS
    ]
