"""The facts that decisions rest on (contract §3): programme documents, members, fraud signals, engagement context, and
what other decisions say: the tiers that accounts hold, and the offers that were made."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from . import schema
from .wire import Malformed, Record, is_too_large, parse_json, time_of

NEEDED = ("earning", "tiers", "redemption", "fraud")


class Document(NamedTuple):
    """One version of a programme document; `effective_from` in milliseconds since 1970."""

    name: str
    version: int
    effective_from: int
    body: dict[str, Any]


class Signal(NamedTuple):
    """A fraud signal, live from `starts` up to, not including, `expires` (milliseconds since 1970)."""

    name: str
    score: int
    starts: int
    expires: int


class Consent(NamedTuple):
    """Whether a member wants offers, from `occurred_at` on (milliseconds since 1970)."""

    occurred_at: int
    offers: bool


class Offer(NamedTuple):
    """A made offer. Its terms are those of its campaign's version; `occurred_at` in milliseconds since 1970."""

    decision_id: str
    member_id: str
    offer_id: str
    campaign: str
    version: int
    occurred_at: int


@dataclass
class Reference:
    """Everything known beside the events of the topic that is decided, in the order of arrival.

    `consents` are by member; `ledger` (decisions as they were written) and `offers` (each once) by account.
    """

    documents: dict[str, dict[int, Document]] = field(default_factory=dict)
    known_devices: dict[str, list[str]] = field(default_factory=dict)
    signals: dict[str, list[Signal]] = field(default_factory=dict)
    contexts: dict[str, dict[str, Any]] = field(default_factory=dict)
    consents: dict[str, list[Consent]] = field(default_factory=dict)
    ledger: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    offers: dict[str, list[Offer]] = field(default_factory=dict)

    def find(self, name: str, moment: int) -> Document | None:
        """The highest version that is in effect at `moment`, in milliseconds since 1970."""
        started = [one for one in self.documents.get(name, {}).values() if one.effective_from <= moment]
        return max(started, key=lambda one: one.version, default=None)

    def in_force(self, name: str, moment: int) -> Document:
        """As `find`, where an earlier check has made sure that there is one."""
        document = self.find(name, moment)
        assert document is not None
        return document

    def has_programme(self, moment: int) -> bool:
        return all(self.find(name, moment) is not None for name in NEEDED)


def read_reference(records: Sequence[Record]) -> tuple[Reference, list[tuple[Record, str]]]:
    """The facts of all valid records in the order of arrival, and the refused ones with the reason for each."""
    known = Reference()
    refused = []
    for record in records:
        reason = take_in(known, record)
        if reason is not None:
            refused.append((record, reason))
    return known, refused


def take_in(known: Reference, record: Record) -> str | None:
    """Adds one record's fact to what is known, or says why it is refused. A null value on `loyalty.members` erases."""
    if record.topic == "loyalty.members" and record.value is None:
        return erase(known, record.key)
    try:
        parsed = parse_json(record.value)
    except Malformed:
        return "malformed_json"
    topic = TOPICS[record.topic]
    is_input = record.topic != "loyalty.decisions"
    if (is_input and is_too_large(record)) or not topic.check(parsed):
        return "schema_violation"
    if record.key != topic.key_of(parsed).encode():
        return "key_mismatch"
    topic.keep(known, parsed)
    return None


def erase(known: Reference, key: bytes | None) -> str | None:
    """Forgets the profile or all the consents that the key names; one that names neither is refused."""
    try:
        member_id, _, kind = (key or b"").decode().rpartition(":")
    except UnicodeDecodeError:
        return "key_mismatch"
    if not member_id or kind not in ("profile", "consent"):
        return "key_mismatch"
    if kind == "profile":
        known.known_devices.pop(member_id, None)
    else:
        known.consents.pop(member_id, None)
    return None


def member_key(event: dict[str, Any]) -> str:
    return f"{event['member_id']}:{event['type'].removeprefix('member.')}"


def document_key(event: dict[str, Any]) -> str:
    return f"{event['document']}@{event['version']}"


def account_key(event: dict[str, Any]) -> str:
    return str(event["account_id"])


def keep_member(known: Reference, event: dict[str, Any]) -> None:
    """The latest profile by arrival counts; every consent counts from its own time on."""
    if event["type"] == "member.profile":
        known.known_devices[event["member_id"]] = event.get("known_devices") or []
    else:
        consent = Consent(time_of(event, "occurred_at"), event["offers"])
        known.consents.setdefault(event["member_id"], []).append(consent)


def keep_document(known: Reference, event: dict[str, Any]) -> None:
    document = Document(event["document"], event["version"], time_of(event, "effective_from"), event["body"])
    known.documents.setdefault(document.name, {})[document.version] = document


def keep_signal(known: Reference, event: dict[str, Any]) -> None:
    signal = Signal(event["signal"], event["score"], time_of(event, "occurred_at"), time_of(event, "expires_at"))
    known.signals.setdefault(event["account_id"], []).append(signal)


def keep_context(known: Reference, context: dict[str, Any]) -> None:
    known.contexts[context["account_id"]] = context


def keep_decision(known: Reference, decision: dict[str, Any]) -> None:
    """Decisions are written at least once, so one may come again."""
    if decision["stream"] == "ledger":
        known.ledger.setdefault(decision["account_id"], []).append(decision)
    elif decision["outcome"] == "made":
        ((campaign, version),) = decision["rules"].items()
        offer = Offer(
            decision["decision_id"],
            decision["member_id"],
            decision["subject"]["offer_id"],
            campaign,
            version,
            time_of(decision, "occurred_at"),
        )
        offers = known.offers.setdefault(decision["account_id"], [])
        if all(one.decision_id != offer.decision_id for one in offers):
            offers.append(offer)


class Topic(NamedTuple):
    """What a reference topic carries, by which key, and where it is kept."""

    check: schema.Check
    key_of: Callable[[dict[str, Any]], str]
    keep: Callable[[Reference, dict[str, Any]], None]


TOPICS = {
    "loyalty.members": Topic(partial(schema.is_event, types=schema.MEMBERS), member_key, keep_member),
    "loyalty.program": Topic(partial(schema.is_event, types=schema.PROGRAM), document_key, keep_document),
    "loyalty.fraud-signals": Topic(partial(schema.is_event, types=schema.FRAUD_SIGNALS), account_key, keep_signal),
    "loyalty.decisions": Topic(schema.DECISION, account_key, keep_decision),
    "loyalty.engagement-context": Topic(schema.CONTEXT, account_key, keep_context),
}
