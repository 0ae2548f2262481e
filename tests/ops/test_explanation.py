"""`loyalty explain`: the index is brought up to date from a real broker, and answers from it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from loyalty.records import Record
from loyalty.wire.decisions import TOPIC
from loyalty.wire.json import to_json
from loyalty.wire.program import TOPIC as PROGRAM
from ops.errors import Exit, Refusal
from ops.explanation.index import Index
from ops.explanation.questions import Question, answer, why_not
from ops.explanation.text import COLUMNS, show, show_why_not
from ops.explanation.verbs import explain_command
from ops.proof.read import program_of
from tests.domain.story import Story, at
from tests.kafka_records import send

DECIDED = {"decided_at": "2026-01-01T00:00:00.000Z"}


@pytest.fixture
def story() -> Story:
    story = Story()
    story.reward("mug", 50)
    story.buys("o1", 3_000, at())
    story.requests("r1", 50, at(1))
    story.buys("o2", 9_000, at(2))
    return story


def filled(path: Path, story: Story) -> Index:
    """An index that has read the story, as `update` would have it."""
    index = Index(path)
    documents = [record for record in story.records if record.topic == PROGRAM]
    decisions = [
        Record(TOPIC, 0, offset, 0, b"acc", to_json(one | DECIDED)) for offset, one in enumerate(story.decisions)
    ]
    index._add([*documents, *decisions])
    with index._transaction():
        index._say("read_at", str(time.time()))
    return index


def test_an_answer_has_every_part_in_a_hundred_columns(tmp_path: Path, story: Story) -> None:
    index = filled(tmp_path / "index", story)
    program = program_of(index.documents())
    lines = list(show(answer(Question(redemption="r1"), index, program)))
    assert lines[0] == "2 January 2025, 00:00 UTC: redemption r1 of reward mug was denied."
    for part in ("Why", "Event", "Balance", "Rules", "What would have changed it"):
        assert part in lines
    lines += show(answer(Question(order="o1"), index, program))
    lines += show_why_not(why_not(Question(account="acc", why_not="tier:gold"), index, program))
    lines += show_why_not(why_not(Question(why_not="redemption:r1"), index, program))
    assert max(map(len, lines)) <= COLUMNS


def test_an_account_is_asked_for_at_a_moment(tmp_path: Path, story: Story) -> None:
    index = filled(tmp_path / "index", story)
    program = program_of(index.documents())
    then = answer(Question(account="acc", at="2025-01-02T12:00:00.000Z"), index, program)
    assert then.place.decision["type"] == "redemption.decided"
    with pytest.raises(Refusal, match="had no decision by"):
        answer(Question(account="acc", at="2024-12-31T00:00:00.000Z"), index, program)


@pytest.mark.parametrize("question", [Question("no"), Question(account="no"), Question(order="no")])
def test_what_is_not_there_is_said(tmp_path: Path, story: Story, question: Question) -> None:
    index = filled(tmp_path / "index", story)
    with pytest.raises(Refusal, match="decisions that the index has") as refused:
        answer(question, index, program_of(index.documents()))
    assert refused.value.code == Exit.FOUND


def test_of_a_decision_that_is_there_twice_the_first_counts_and_what_is_none_is_counted(
    tmp_path: Path, story: Story
) -> None:
    index = filled(tmp_path / "index", story)
    again = to_json(story.decisions[0] | {"decided_at": "2026-06-01T00:00:00.000Z"})
    index._add([Record(TOPIC, 0, 90, 0, b"acc", again), Record(TOPIC, 0, 91, 0, b"acc", b"{}")])
    found = index.by_id(story.decisions[0]["decision_id"])
    assert [(one.offset, one.decision["decided_at"]) for one in found] == [(0, DECIDED["decided_at"])]
    age = index.age()
    assert age is not None
    assert (age.decisions, age.unreadable) == (len(story.decisions), 1)


def test_only_its_owner_may_read_the_index(tmp_path: Path, story: Story) -> None:
    filled(tmp_path / "index", story)
    assert {path.name: path.stat().st_mode & 0o077 for path in tmp_path.glob("index*")} == {
        "index": 0,
        "index-shm": 0,
        "index-wal": 0,
    }


def test_no_question_reads_more_of_the_index_than_it_is_about(tmp_path: Path, story: Story) -> None:
    index = filled(tmp_path / "index", story)
    asked: list[str] = []
    index._db.set_trace_callback(asked.append)
    for ask in (index.by_id, index.by_order, index.by_redemption, index.ledger, index.offers):
        ask("acc")
    index._db.set_trace_callback(None)
    plans = [index._db.execute(f"EXPLAIN QUERY PLAN {statement}").fetchone()[3] for statement in asked]
    assert [plan.split("(")[1] for plan in plans] == [
        "decision_id=?)",
        "order_id=?)",
        "redemption_id=?)",
        "stream=? AND owner=?)",
        "account_id=? AND stream=?)",
    ]


def test_a_file_that_is_no_index_is_refused(tmp_path: Path) -> None:
    (tmp_path / "index").write_text("not a database, and long enough to be one" * 100)
    with pytest.raises(Refusal, match="cannot be used as an index"):
        Index(tmp_path / "index")


def test_a_question_is_about_one_thing(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="Ask about one of"):
        explain_command("127.0.0.1:1", index=tmp_path / "index")
    with pytest.raises(Refusal, match="--at goes with --account"):
        explain_command("127.0.0.1:1", order="o1", at="2026-01-01T00:00:00.000Z", index=tmp_path / "index")


def test_the_index_reads_only_what_is_new_and_is_made_anew_for_other_topics(
    loyalty_topics: str, tmp_path: Path, story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    index = tmp_path / "index"
    documents = [(one.key, one.value) for one in story.records if one.topic == PROGRAM]
    decisions = [(b"acc", to_json(one | DECIDED)) for one in story.decisions]

    def explained(**question: Any) -> dict[str, Any]:
        explain_command(loyalty_topics, index=index, as_json=True, **question)
        said: dict[str, Any] = json.loads(capsys.readouterr().out)
        return said

    send(loyalty_topics, PROGRAM, documents)
    send(loyalty_topics, TOPIC, decisions[:2])
    assert explained(account="acc")["decision"]["sequence"] == 2
    send(loyalty_topics, TOPIC, decisions[2:])
    assert explained(account="acc", update=False)["index"]["decisions"] == 2
    found = explained(account="acc")
    assert (found["decision"]["sequence"], found["index"]["decisions"]) == (len(decisions), len(decisions))

    other = Index(index)
    with other._transaction():
        other._say("cluster", "another")
    other.close()
    assert explained(redemption="r1")["index"]["decisions"] == len(decisions)
