"""What must hold of what is published, whoever published it (contract §4, §5, §6).

Every function gives what is wrong in sentences, and an empty list where nothing is. Decisions are the parsed values of
`loyalty.decisions` as they lie on the topic: repetitions included, in any order of the streams.
"""

import base64
import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .wire import Record

Plain = dict[str, Any]
Stream = tuple[str, str]

NO_SEAL_BEFORE = "0" * 64
SEAL = re.compile("[0-9a-f]{64}")
LARGEST_OUTPUT = 4 * 2**20
LONGEST_KEY = 1024
LONGEST_DETAIL = 500
ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


class NotCanonical(Exception):
    """A value that the contract gives no one text for: a number that is no integer."""


# What was published stays decided


def decided_otherwise(published: Iterable[Plain]) -> list[str]:
    """The decisions of one `decision_id` that differ in more than `decided_at`, and the places that have two ids."""
    wrong = []
    contents: dict[str, Plain] = {}
    ids: dict[tuple[Stream, int], str] = {}
    for decision in published:
        decision_id = decision["decision_id"]
        content = {name: one for name, one in decision.items() if name != "decided_at"}
        first = contents.setdefault(decision_id, content)
        if not is_same(first, content):
            names = sorted(name for name in first | content if not is_same(first.get(name), content.get(name)))
            wrong.append(f"{decision_id} has two contents, different in {', '.join(names)}")
        place = stream_of(decision), decision["sequence"]
        if ids.setdefault(place, decision_id) != decision_id:
            wrong.append(f"{place} is both {ids[place]} and {decision_id}")
    return wrong


def is_same(one: Any, other: Any) -> bool:
    """The same JSON: true is not 1, and null is not the same as a field that is missing."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def stream_of(decision: Plain) -> Stream:
    """The ledger of an account, or the offers of a member."""
    return decision["stream"], decision["account_id" if decision["stream"] == "ledger" else "member_id"]


# The seal


def broken_seals(published: Iterable[Plain]) -> list[str]:
    """Where a stream has a gap, or a seal is not that of its decision behind the one before it.

    Decisions of the first edition have no seal. They may stand before the first one with a seal, whose previous seal
    then is 64 zeros; behind it, one without a seal is a break.
    """
    streams: dict[Stream, dict[int, Plain]] = defaultdict(dict)
    for decision in published:
        streams[stream_of(decision)].setdefault(decision["sequence"], decision)
    return [sentence for stream, decisions in sorted(streams.items()) for sentence in breaks(stream, decisions)]


def breaks(stream: Stream, decisions: Mapping[int, Plain]) -> list[str]:
    """Those of one stream. Behind a break the chain goes on from the seal that is there, so each is told once."""
    wrong = []
    before = NO_SEAL_BEFORE
    expected = 1
    for sequence, decision in sorted(decisions.items()):
        where = f"{' '.join(stream)}, decision {sequence}"
        if sequence != expected:
            wrong.append(f"{where}: it comes behind {expected - 1}")
        expected = sequence + 1
        seal = decision.get("seal")
        if seal is None:
            if before != NO_SEAL_BEFORE:
                wrong.append(f"{where}: it has no seal, and one before it has")
            continue
        try:
            right = seal_of(decision, before)
        except NotCanonical as number:
            wrong.append(f"{where}: it holds the number {number}, which is no integer")
        else:
            if seal != right:
                wrong.append(f"{where}: its seal is {seal!r} and should be {right!r}")
        before = str(seal)
    return wrong


def seal_of(decision: Plain, before: str) -> str:
    """The seal that a decision must have behind the seal `before`. Raises `NotCanonical`."""
    sealed = {name: one for name, one in decision.items() if name not in ("decided_at", "seal")}
    sealed["cause"] = {name: one for name, one in sealed["cause"].items() if name not in ("partition", "offset")}
    return hashlib.sha256(f"{before}\n{canonical(sealed)}".encode()).hexdigest()


def canonical(value: Any) -> str:
    """JSON with its names in code-point order, no white space, and no escapes but those that JSON requires."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{quoted(name)}:{canonical(value[name])}" for name in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(canonical(item) for item in value) + "]"
    if isinstance(value, str):
        return quoted(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    raise NotCanonical(repr(value))


def quoted(text: str) -> str:
    """Quotes, backslashes and what is below a space are escaped, in the short form where JSON has one."""
    return '"' + "".join(ESCAPES.get(one, f"\\u{ord(one):04x}" if one < " " else one) for one in text) + '"'


# Nobody's name, birth date or device


class Personal(NamedTuple):
    """Text that must not be read anywhere in clear, and where it came from."""

    what: str
    text: str


def personal_texts(inputs: Iterable[Record]) -> set[Personal]:
    """Names, birth dates and devices in all the inputs that can be read."""
    found = set()
    for record in inputs:
        try:
            event = json.loads(record.value or b"null")
        except ValueError:
            continue
        if not isinstance(event, dict):
            continue
        devices = event.get("known_devices")
        context = event.get("devices") if record.topic == "loyalty.engagement-context" else None
        texts = [("name", event.get("name")), ("birth date", event.get("birth_date"))]
        texts += [("device", one) for one in [event.get("device_id"), *as_list(devices), *as_list(context)]]
        found |= {Personal(what, text) for what, text in texts if isinstance(text, str) and text}
    return found


def as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, dict)) else []


def told_in_clear(decisions: Iterable[Plain], personal: Iterable[Personal]) -> list[str]:
    """Decisions whose evidence, or the `detail` of a reason, holds one of these texts as words of their own."""
    by_text = {one.text: one.what for one in personal}
    if not by_text:
        return []
    longest_first = sorted(by_text, key=len, reverse=True)
    pattern = re.compile(r"(?<!\w)(?:" + "|".join(re.escape(text) for text in longest_first) + r")(?!\w)")
    wrong = []
    for decision in decisions:
        details = [reason.get("detail") or "" for reason in decision["reasons"]]
        for where, texts in (("evidence", strings(decision["evidence"])), ("a detail", details)):
            found = {match.group() for text in texts for match in pattern.finditer(text)}
            wrong += [f"{decision['decision_id']}: {where} tells the {by_text[one]} {one!r}" for one in sorted(found)]
    return wrong


def strings(value: Any) -> list[str]:
    """All text in a parsed value, names of fields included."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for name, item in value.items() for text in (name, *strings(item))]
    if isinstance(value, list):
        return [text for item in value for text in strings(item)]
    return []


# Dead letters


def unsound_dead_letters(published: Iterable[Record], personal: Iterable[Personal] = ()) -> list[str]:
    """Dead letters that are too large, with another key than they should have, or with a detail that must not be."""
    texts = {one.text for one in personal}
    wrong = []
    for record in published:
        where = f"dead letter {record.partition}:{record.offset}"
        wrong += [f"{where}: {one}" for one in too_large(record)]
        letter = json.loads(record.value or b"null")
        received = None if letter["key_base64"] is None else base64.b64decode(letter["key_base64"], validate=True)
        own = None if received is None or len(received) > LONGEST_KEY else received
        if record.key != own:
            wrong.append(f"{where}: its key is not the one received, or null beyond {LONGEST_KEY} bytes")
        detail = letter["detail"]
        if not isinstance(detail, str) or not 0 < len(detail) <= LONGEST_DETAIL:
            wrong.append(f"{where}: its detail is no sentence of at most {LONGEST_DETAIL} characters")
        elif any(re.search(rf"(?<!\w){re.escape(text)}(?!\w)", detail) for text in texts):
            wrong.append(f"{where}: its detail tells a personal field")
    return wrong


def too_large(record: Record) -> list[str]:
    """A decision or dead letter that its topic would refuse."""
    size = len(record.key or b"") + len(record.value or b"")
    return [f"its {size} bytes are more than {LARGEST_OUTPUT}"] if size > LARGEST_OUTPUT else []
