"""Publishing to a real broker."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from loyalty.wire.program import TOPIC, parse_program_document
from ops.errors import Refusal
from ops.program.documents import FOLDER
from ops.program.publish import publish, published_documents
from ops.program.verbs import app
from tests.kafka_records import delete_topics, read_all, send
from tests.ops.test_program_check import change


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FOLDER, tmp_path / "program"))


def test_every_version_is_published_once_under_its_key(loyalty_topics: str, folder: Path) -> None:
    sent, held = publish(folder, loyalty_topics)
    records = read_all(loyalty_topics, TOPIC)
    assert held == 0
    assert sorted(record.key or b"" for record in records) == sorted(version.key.encode() for version in sent)
    for record in records:
        document = parse_program_document(record.value)
        assert record.key == f"{document.document}@{document.version}".encode()
        assert document.body == next(v.document.body for v in sent if v.key.encode() == record.key)

    assert publish(folder, loyalty_topics) == ([], len(sent))
    assert read_all(loyalty_topics, TOPIC) == records


def test_a_new_version_is_sent_alone_and_a_lost_one_again(loyalty_topics: str, folder: Path) -> None:
    publish(folder, loyalty_topics)
    with (folder / "rewards.yaml").open("a") as file:
        file.write(
            "---\ndocument: reward/umbrella\nversions:\n"
            "  - {version: 1, effective_from: 2026-06-01T00:00:00.000Z, body: {points: 2000, active: true}}\n"
        )
    assert [version.key for version in publish(folder, loyalty_topics)[0]] == ["reward/umbrella@1"]
    send(loyalty_topics, TOPIC, [(b"reward/umbrella@1", None)])
    assert "reward/umbrella@1" not in published_documents(loyalty_topics)
    assert [version.key for version in publish(folder, loyalty_topics)[0]] == ["reward/umbrella@1"]


@pytest.mark.parametrize(
    ("old", "new"), [("points: 1000", "points: 1100"), ("2025-01-01T00:00:00.000Z", "2025-01-02T00:00:00.000Z")]
)
def test_what_was_published_cannot_be_changed(loyalty_topics: str, folder: Path, old: str, new: str) -> None:
    publish(folder, loyalty_topics)
    before = read_all(loyalty_topics, TOPIC)
    change(folder / "rewards.yaml", old, new)
    change(folder / "partners.yaml", "document: partner/fuel", "document: partner/coal")
    with pytest.raises(Refusal) as refused:
        publish(folder, loyalty_topics)
    assert refused.value.message == (
        f"{folder / 'rewards.yaml'}:3: reward/espresso@1 was published with other content; "
        "publish what is to change as a new version."
    )
    assert read_all(loyalty_topics, TOPIC) == before


def test_a_version_that_clashes_with_a_published_one_is_refused(loyalty_topics: str, folder: Path) -> None:
    publish(folder, loyalty_topics)
    text = (folder / "earning.yaml").read_text()
    first, _, second = text.partition("  - version: 2")
    (folder / "earning.yaml").write_text(
        first + "  - version: 3" + second.replace("2026-06-01T00:00:00.000Z", "2026-05-31T00:00:00.000Z")
    )
    with pytest.raises(Refusal, match="Versions overlap: earning@3 takes effect at 2026-05-31"):
        publish(folder, loyalty_topics)


def test_a_bad_document_keeps_everything_from_being_published(loyalty_topics: str, folder: Path) -> None:
    change(folder / "tiers.yaml", "threshold: 10000", "threshold: 1")
    with pytest.raises(Refusal, match="ascending"):
        publish(folder, loyalty_topics)
    assert read_all(loyalty_topics, TOPIC) == []


def test_what_is_no_document_does_not_disturb(loyalty_topics: str, folder: Path) -> None:
    send(loyalty_topics, TOPIC, [(b"earning@1", b"{"), (b"\xff", b"[]")])
    sent, _ = publish(folder, loyalty_topics)
    assert "earning@1" in {version.key for version in sent}
    assert published_documents(loyalty_topics).keys() == {version.key for version in sent}


def test_without_the_topic_or_a_broker_nothing_is_published(loyalty_topics: str) -> None:
    delete_topics(loyalty_topics, [TOPIC])
    with pytest.raises(Refusal, match=r"no topic loyalty\.program; `loyalty topics apply"):
        publish(FOLDER, loyalty_topics)
    with pytest.raises(Refusal, match="No Kafka broker answer"):
        publish(FOLDER, "127.0.0.1:1")


def test_the_command_says_what_it_did(loyalty_topics: str) -> None:
    first = CliRunner().invoke(app, ["publish", "--bootstrap", loyalty_topics])
    assert "published tiers@2, in force from 2026-05-15T00:00:00.000Z" in first.stdout
    assert "20 published, 0 were there already." in first.stdout
    second = CliRunner().invoke(app, ["publish", "--bootstrap", loyalty_topics])
    assert second.stdout == "Nothing to publish: all 20 are there already, unchanged.\n"
    assert CliRunner().invoke(app, ["check"]).stdout == "The programme is sound: 15 documents in 20 versions.\n"
