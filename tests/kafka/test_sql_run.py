"""`loyalty sql run` on a real broker: what it says, what records it stands, and that it goes on where it stopped."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.errors import Exit
from ops.own_command import own_command
from ops.topics.catalogue import read_catalogue
from tests.jobs.running import ROOT, WITHIN_S, running, stop, wait_until
from tests.kafka.on_kafka import DECISIONS, Plain, fresh_topics
from tests.kafka_records import delete_topics, read_all, send
from tests.sql.traffic import Record, Traffic

LIABILITY = "loyalty.points-liability-daily"
MODELS = ("points_liability_daily", "spend_by_tier_hourly", "tier_movements_daily", "campaign_results")
AT = "2026-05-01T10:00:00.000Z"
HALF_READABLE: list[Plain] = [
    {"type": "tier.changed", "occurred_at": AT, "outcome": "silver", "reasons": [], "balance": {"tier": []}},
    {"type": "tier.changed", "occurred_at": AT, "evidence": "none", "reasons": "none"},
    {"type": "points.earned", "occurred_at": AT, "points": 1, "reasons": [{"code": "purchase"}]},
    {"type": "points.earned", "occurred_at": "0001-01-01T00:00:00.000Z", "points": 0, "balance": 7},
    {"type": "points.earned", "occurred_at": "9999-12-31T23:59:59.999Z", "points": 0},
    {"type": "points.earned", "occurred_at": AT, "points": 1.5, "reasons": [{"code": "purchase"}]},
    {"type": "offer.decided", "stream": "offers", "member_id": "m", "occurred_at": AT, "outcome": "made"},
    {"type": "points.reversed", "occurred_at": AT, "reasons": [{"code": "refund", "actual": "x"}]},
]
"""Decisions that no release of the job makes. The third one counts in the liability, with a point."""
BAD: list[bytes | None] = [None, b"no JSON", b"[]", b"null", b'"text"', b"{}"]
BAD += [
    json.dumps({"decision_id": name, "stream": "ledger", "sequence": 1, "account_id": name, **fields}).encode()
    for name, fields in ((f"bad-{number}", fields) for number, fields in enumerate(HALF_READABLE))
]


@pytest.fixture
def no_topics(bootstrap: str) -> Iterator[str]:
    delete_topics(bootstrap, [topic.name for topic in read_catalogue()])
    yield bootstrap
    delete_topics(bootstrap, [topic.name for topic in read_catalogue()])


def test_models_stand_every_record_go_on_after_a_stop_and_say_what_they_do(no_topics: str, tmp_path: Path) -> None:
    bootstrap = no_topics
    early = loyalty_sql("run", bootstrap, *MODELS, "--state", str(tmp_path / "early"))
    assert (early.returncode, early.stderr.count("\n")) == (Exit.REFUSED, 1)
    assert "loyalty.points-liability-daily" in early.stderr
    assert "topics apply" in early.stderr

    fresh_topics(bootstrap)
    traffic = Traffic()
    first, second = traffic.part(1), traffic.part(2)
    for topic in ("loyalty.transactions", "loyalty.engagements", DECISIONS):
        send(bootstrap, topic, [(b"bad", value) for value in BAD])
    said = run_until(bootstrap, tmp_path, first, "2026-05-01")
    assert "Reading loyalty.decisions; writing loyalty.campaign-results, " in said
    assert "records of loyalty.points-liability-daily" in said
    said = run_until(bootstrap, tmp_path, second, "2026-05-02")
    assert "Going on from the last savepoint" in said
    assert "starts again" not in said

    send(bootstrap, LIABILITY, [(b'{"month": "2026-05"}', b'{"month": "2026-05", "closing": 5}')])
    shown = loyalty_sql("show", bootstrap, "points_liability_daily", "--until-end").stdout
    assert "2026-05-01" in shown
    assert "month" in shown


def run_until(bootstrap: str, folder: Path, part: list[Record], day: str) -> str:
    """Runs the models until the liability has the part's last day, and stops them; gives what was said."""
    send_part(bootstrap, part)
    log = folder / f"{day}.log"
    command = own_command(["sql", "run", *MODELS, "--bootstrap", bootstrap, "--state", str(folder / "sql")])
    with running(command, log) as process:
        owed = closing(folder, part)
        wait_until(f"{owed} is owed", lambda: published(bootstrap).get(day) == owed, process, log)
        assert stop(process, signal.SIGINT) == 0, log.read_text()
    return log.read_text()


def closing(folder: Path, part: list[Record]) -> int:
    """What all accounts are owed after this part and those before it, each decision once."""
    known = folder / "decided.json"
    decided: dict[str, int] = json.loads(known.read_text()) if known.exists() else {}
    decided |= {row["decision_id"]: row["points"] for table, row in part if table == "decisions"}
    known.write_text(json.dumps(decided))
    return sum(decided.values()) + 1


def published(bootstrap: str) -> dict[str, int]:
    """By day, what was owed at its end as it is published now."""
    rows: dict[str, int] = {}
    for kept in read_all(bootstrap, LIABILITY):
        row: Plain = json.loads(kept.value or b"{}")
        rows[json.loads(kept.key or b"{}").get("day")] = row.get("closing", 0)
    return rows


def send_part(bootstrap: str, part: list[Record]) -> None:
    for table in sorted({table for table, _ in part}):
        rows = [{n: v for n, v in row.items() if n != "record_time"} for of, row in part if of == table]
        send(bootstrap, f"loyalty.{table}", [(row["account_id"].encode(), json.dumps(row).encode()) for row in rows])


def loyalty_sql(verb: str, bootstrap: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = own_command(["sql", verb, *words, "--bootstrap", bootstrap])
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=WITHIN_S, check=False)
