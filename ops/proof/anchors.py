"""Where anchors are kept: in a file of one JSON object a line, or on the topic `loyalty.anchors`."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

from loyalty.proof.anchors import Anchor
from loyalty.times import DAY_MS, format_time, parse_time
from ops.errors import Refusal
from ops.kafka.client import partitions_of
from ops.kafka.reading import read_all
from ops.kafka.sending import Sender

TOPIC = "loyalty.anchors"
ON_THE_TOPIC = "topic"
"""What `--anchor` is where the latest anchor on the topic is meant."""
_ROOT = re.compile(r"(?P<until>[^:]+(?::[^:]+){2}):(?P<root>[0-9a-f]{64})")


def moment_to_anchor(until: str | None) -> str:
    """The moment asked for, or the last midnight in UTC. Raises Refusal where it is not past."""
    now = time.time_ns() // 1_000_000
    if until is None:
        return format_time(now // DAY_MS * DAY_MS)
    try:
        moment = parse_time(until)
    except ValueError as problem:
        raise Refusal(f"{problem}.") from problem
    if moment > now:
        raise Refusal(f"{until} is not past: what will be decided by then cannot be anchored yet.")
    return until


def write_to_file(path: Path, anchor: Anchor) -> None:
    """Adds the anchor behind those that the file has."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(anchor._asdict()) + "\n")


def write_to_topic(bootstrap: str, anchor: Anchor) -> None:
    """Sends the anchor to the topic, under its moment. Raises Refusal."""
    partitions_of(bootstrap, [TOPIC])
    with Sender(bootstrap) as sender:
        sender.send(TOPIC, anchor.until.encode(), json.dumps(anchor._asdict()).encode())


def find(said: str, bootstrap: str) -> Anchor:
    """The anchor that `--anchor` names: `topic`, `MOMENT:ROOT`, or a file. Of several, the latest moment counts.

    Raises Refusal where there is none.
    """
    if (root := _ROOT.fullmatch(said)) is not None:
        return Anchor(root["until"], root["root"])
    if said == ON_THE_TOPIC:
        lines = [record.value.decode() for record in read_all(bootstrap, TOPIC) if record.value is not None]
        where = f"the topic {TOPIC}"
    else:
        path = Path(said)
        if not path.is_file():
            raise Refusal(f"There is no anchor {said!r}: it should be a file, `topic`, or MOMENT:ROOT.")
        lines, where = path.read_text("utf-8").splitlines(), said
    try:
        anchors = [Anchor(**json.loads(line)) for line in lines if line]
    except (ValueError, TypeError) as problem:
        raise Refusal(f"What is in {where} is not an anchor of `loyalty anchor`.") from problem
    if not anchors:
        raise Refusal(f"There is no anchor in {where}.")
    return max(anchors, key=lambda one: one.until)
