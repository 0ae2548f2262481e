"""`loyalty verify` and `loyalty anchor` on a real broker."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

from loyalty.wire.decisions import TOPIC
from loyalty.wire.json import to_json
from loyalty.wire.program import TOPIC as PROGRAM
from ops.errors import Exit
from ops.own_command import own_command
from ops.proof.read import Asked, prove
from tests.domain.story import Story, at
from tests.kafka_records import send

DECIDED = "2026-01-0{}T00:00:00.000Z"


def loyalty(bootstrap: str, verb: str, *options: str) -> tuple[int, dict[str, Any], str]:
    """Exit code, the answer for a program, and what was said on standard error."""
    words = own_command([verb, "--bootstrap", bootstrap, "--json", *options])
    ended = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    return ended.returncode, json.loads(ended.stdout or "{}"), ended.stderr


def test_what_is_on_the_topic_is_proven_anchored_and_a_forgery_is_found(loyalty_topics: str, tmp_path: Path) -> None:
    story = Story()
    for number in range(1, 6):
        story.buys(f"o{number}", 5_000 * number, at(number))
    decisions = [one | {"decided_at": DECIDED.format(min(day, 9))} for day, one in enumerate(story.decisions, start=1)]
    send(loyalty_topics, PROGRAM, [(one.key, one.value) for one in story.records if one.topic == PROGRAM])
    send(loyalty_topics, TOPIC, [(b"acc", to_json(one)) for one in decisions])

    code, answer, _ = loyalty(loyalty_topics, "verify")
    assert (code, answer["sound"], answer["counts"]["again"]) == (Exit.DONE, True, len(decisions))

    now_ms = time.time_ns() // 1_000_000
    for since, some in ((now_ms - 600_000, len(decisions)), (now_ms + 600_000, 0)):
        assert prove(Asked(loyalty_topics, since_ms=since)).counts["decisions"] == some

    anchors = tmp_path / "anchors.jsonl"
    assert loyalty(loyalty_topics, "anchor", "--until", DECIDED.format(4), "--to-file", str(anchors))[0] == Exit.DONE
    code, answer, _ = loyalty(loyalty_topics, "anchor")
    assert (code, answer["written_to"], answer["decisions"]) == (Exit.DONE, "loyalty.anchors", len(decisions))
    for anchor in (str(anchors), "topic"):
        code, answer, said = loyalty(loyalty_topics, "verify", "--anchor", anchor)
        assert (code, answer["sound"]) == (Exit.DONE, True), said

    send(loyalty_topics, TOPIC, [(b"acc", to_json(decisions[1] | {"member_id": "max"}))])
    code, answer, _ = loyalty(loyalty_topics, "verify", "--anchor", f"{answer['anchor']['until']}:{'0' * 64}")
    assert (code, sorted(answer["kinds"])) == (Exit.FOUND, ["repeated otherwise", "rewritten"])
