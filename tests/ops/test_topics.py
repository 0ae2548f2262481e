"""The catalogue of topics, and a cluster made to agree with it."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path

import pytest
import yaml
from confluent_kafka.admin import ConfigResource, ResourceType

from jobs.runtime.kafka_clients import admin_client
from ops.errors import Exit, Refusal
from ops.own_command import own_command
from ops.topics.catalogue import CATALOGUE, Topic, read_catalogue
from ops.topics.plan import apply
from tests.kafka_records import create_topic, delete_topics, send

ONE_TOPIC = """\
topics:
  - name: test.one
    description: A topic of this test.
    class: transaction
    key: account_id
    ordering: strict per account
    classification: confidential
    owner: tests
    partitions: 2
    retention_days: 3
    timestamps: append
    max_bytes: 2097152
"""


@pytest.fixture
def nothing_there(bootstrap: str) -> str:
    """A broker without the contract's topics."""
    delete_topics(bootstrap, [topic.name for topic in read_catalogue()])
    return bootstrap


@pytest.fixture
def without_topic_one(bootstrap: str) -> str:
    delete_topics(bootstrap, ["test.one"])
    return bootstrap


def one_topic(**changes: object) -> Topic:
    """The topic of `ONE_TOPIC`, changed."""
    [declared] = yaml.safe_load(ONE_TOPIC)["topics"]
    return Topic.model_validate({**declared, **changes})


def settings_of(bootstrap: str, topic: str) -> dict[str, str]:
    resource = ConfigResource(ResourceType.TOPIC, topic)
    admin = admin_client(bootstrap)  # by name: the answer is lost if the client goes first
    answer = admin.describe_configs([resource])[resource].result(10)
    return {name: entry.value for name, entry in answer.items()}


def partitions_of(bootstrap: str, topic: str) -> int:
    return len(admin_client(bootstrap).list_topics(timeout=10).topics[topic].partitions)


def loyalty_topics_apply(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = own_command(["topics", "apply", *arguments])
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_catalogue_declares_what_the_contract_says() -> None:
    contract = {
        "loyalty.transactions": ("transaction", False, "confidential", "append"),
        "loyalty.engagements": ("engagement", False, "personal", "create"),
        "loyalty.members": ("reference", True, "personal", "create"),
        "loyalty.program": ("reference", True, "internal", "create"),
        "loyalty.fraud-signals": ("decision", False, "confidential", "create"),
        "loyalty.engagement-context": ("reference", True, "personal", "create"),
        "loyalty.decisions": ("decision", False, "confidential", "create"),
        "loyalty.dead-letters": ("operational", False, "confidential", "create"),
    }
    declared = {
        topic.name: (topic.event_class, topic.compacted, topic.classification, topic.timestamps)
        for topic in read_catalogue()
    }
    assert {name: said for name, said in declared.items() if name in contract} == contract


def test_what_must_last_for_years_does_and_a_dead_letter_fits_what_it_carries() -> None:
    by_name = {topic.name: topic for topic in read_catalogue()}
    for name in ("loyalty.transactions", "loyalty.fraud-signals", "loyalty.decisions"):
        days = by_name[name].retention_days
        assert days is not None
        assert days >= 7 * 365
    largest_input = max(t.max_bytes for t in by_name.values() if t.event_class in ("transaction", "reference"))
    assert by_name["loyalty.dead-letters"].max_bytes > largest_input * 4 / 3


def test_applying_creates_every_topic_and_a_second_time_changes_nothing(nothing_there: str) -> None:
    first = loyalty_topics_apply("--bootstrap", nothing_there)
    assert first.returncode == 0, first.stderr
    count = len(read_catalogue())
    assert first.stdout.splitlines()[-1] == f"{count} topics: {count} created, 0 changed, 0 unchanged."
    assert "loyalty.transactions: created (4 partitions, kept 3653 days, LogAppendTime)" in first.stdout

    settings = settings_of(nothing_there, "loyalty.transactions")
    assert settings["message.timestamp.type"] == "LogAppendTime"
    assert settings["cleanup.policy"] == "delete"
    assert settings["retention.ms"] == str(3653 * 86_400_000)
    assert settings_of(nothing_there, "loyalty.members")["cleanup.policy"] == "compact"
    assert partitions_of(nothing_there, "loyalty.decisions") == 4

    second = loyalty_topics_apply("--bootstrap", nothing_there)
    assert second.returncode == 0
    assert second.stdout.splitlines()[-1] == f"{count} topics: 0 created, 0 changed, {count} unchanged."


def test_a_setting_that_differs_is_set_and_said(without_topic_one: str) -> None:
    apply(without_topic_one, [one_topic()])
    [step] = apply(without_topic_one, [one_topic(retention_days=4, max_bytes=4_194_304)])
    assert str(step) == ("test.one: changed (retention.ms 259200000 → 345600000, max.message.bytes 2097152 → 4194304)")
    assert settings_of(without_topic_one, "test.one")["retention.ms"] == "345600000"
    [step] = apply(without_topic_one, [one_topic(retention_days=4, max_bytes=4_194_304)])
    assert step.kind == "unchanged"


def test_settings_and_topics_that_the_catalogue_does_not_name_stay(without_topic_one: str) -> None:
    create_topic(without_topic_one, "test.one", 2, {"segment.ms": "600000"})
    delete_topics(without_topic_one, ["test.other"])
    create_topic(without_topic_one, "test.other")
    [step] = apply(without_topic_one, [one_topic()])
    assert step.kind == "changed"
    assert settings_of(without_topic_one, "test.one")["segment.ms"] == "600000"
    assert partitions_of(without_topic_one, "test.other") == 1


def test_fewer_partitions_are_refused_before_anything_is_changed(without_topic_one: str) -> None:
    apply(without_topic_one, [one_topic()])
    fresh = one_topic(name="test.never-made")
    with pytest.raises(Refusal, match=r"test\.one has 2 partitions and the catalogue says 1: Kafka cannot take"):
        apply(without_topic_one, [fresh, one_topic(partitions=1, retention_days=9)])
    assert settings_of(without_topic_one, "test.one")["retention.ms"] == str(3 * 86_400_000)
    known = admin_client(without_topic_one).list_topics(timeout=10).topics
    assert "test.never-made" not in known


def test_more_partitions_are_refused_once_they_would_break_an_accounts_order(without_topic_one: str) -> None:
    apply(without_topic_one, [one_topic()])
    [step] = apply(without_topic_one, [one_topic(partitions=3)])
    assert str(step) == "test.one: changed (partitions 2 → 3)"
    send(without_topic_one, "test.one", [(b"a", b"x")])
    with pytest.raises(Refusal, match="it holds records"):
        apply(without_topic_one, [one_topic(partitions=4)])
    assert partitions_of(without_topic_one, "test.one") == 3
    apply(without_topic_one, [one_topic(partitions=4, ordering="none")])
    assert partitions_of(without_topic_one, "test.one") == 4


@pytest.mark.parametrize(
    ("written", "instead", "line", "reason"),
    [
        ("partitions: 2", "partitions: 0", 9, "partitions: input should be greater than or equal to 1, not 0"),
        ("partitions: 2", 'partitions: "2"', 9, "partitions: input should be a valid integer, not '2'"),
        ("    owner: tests\n", "", 2, "owner is missing"),
        ("owner: tests", "owner: tests\n    ownr: x", 9, "ownr is not a field of a topic"),
        ("class: transaction", "class: event", 4, "class: input should be 'transaction', 'engagement', 'reference'"),
        ("retention_days: 3", "compacted: true\n    retention_days: 3", 2, "either `compacted: true` or `retention"),
        ("retention_days: 3", "compacted: false", 2, "either `compacted: true` or `retention_days`"),
        ("name: test.one", "name: Test One", 2, "name: string should match pattern"),
        ("class: transaction", "class: [transaction", 5, "this is not YAML"),
        ("owner: tests", "owner: tests\n    owner: others", 9, "the key owner is named twice"),
        ("topics:", "topic:", 1, "topics is missing"),
    ],
)
def test_a_bad_catalogue_is_refused_with_file_line_and_reason(
    tmp_path: Path, written: str, instead: str, line: int, reason: str
) -> None:
    file = tmp_path / "topics.yaml"
    file.write_text(ONE_TOPIC.replace(written, instead), encoding="utf-8")
    with pytest.raises(Refusal, match=re.escape(reason)) as refused:
        read_catalogue(file)
    assert f"{file}:{line}: " in refused.value.message


def test_a_topic_that_is_declared_twice_is_refused_where_it_is_declared_again(tmp_path: Path) -> None:
    file = tmp_path / "topics.yaml"
    file.write_text(ONE_TOPIC + ONE_TOPIC.removeprefix("topics:\n"), encoding="utf-8")
    with pytest.raises(Refusal, match=r"topics\.yaml:13: test\.one is declared twice"):
        read_catalogue(file)


def test_an_unreachable_broker_is_one_sentence_within_ten_seconds() -> None:
    began = time.monotonic()
    tried = loyalty_topics_apply("--bootstrap", "127.0.0.1:1", "--catalogue", str(CATALOGUE))
    assert time.monotonic() - began < 10
    assert tried.returncode == Exit.REFUSED
    assert tried.stderr == "No Kafka broker answered at 127.0.0.1:1 within 6 s.\n"
    assert tried.stdout == ""
