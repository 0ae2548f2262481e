"""The intake of the offers job (`check-engagements`, one instance): every record is checked here, once, in the order in
which its partition holds it.

It reads four topics. What becomes of a record of each:

| Topic | Passed on |
|---|---|
| `loyalty.engagements` | `ForAccount`, where some campaign's trigger and dates fit; None where none fits |
| `loyalty.members` | `Published` for a consent; None for a profile |
| `loyalty.program` | `Document` for a campaign and for `tiers`; None for the others |
| `loyalty.decisions` | `ForAccount` for stream `ledger`; `Published` for stream `offers` |

and `DeadLetter` for what is refused. Engagements must come only after the reference records that there were at the
start, the decisions included. Nothing here is due at any time: there is no clock.

An engagement that fits nothing, which is most of them, costs its parsing and one look at the index of campaigns: no
entry, and nothing crosses to another operator.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple

import msgspec

from loyalty.offers.campaigns import Campaigns
from loyalty.offers.matching import ENGAGED, LEDGER_NEWS, Engaged, LedgerNews
from loyalty.offers.payloads import CONSENTED, ERASED, PUBLISHED_OFFER, Consented, PublishedOffer
from loyalty.program import CAMPAIGN
from loyalty.records import Record, Refused, dead_letter, erasure_of, letter_key, refuse_too_large
from loyalty.rules.offers import OFFERED
from loyalty.state.codec import EntryCodec, StateEntries
from loyalty.times import MINUTE_MS, format_time, parse_time
from loyalty.wire import decisions, engagements, members, program
from loyalty.wire.engagements import parse_engagement
from loyalty.wire.keys import record_key
from loyalty.wire.members import MemberConsent, parse_member
from loyalty.wire.program import parse_program_document
from loyalty.wire.reading import SchemaViolation, WireError, parse_json, shown

AHEAD_MS = 5 * MINUTE_MS
"""How far ahead of its record's timestamp an event may be."""


class ForAccount(NamedTuple):
    """For `Matcher.receive` of this account, which must have learnt `documents` documents by then.

    `published` is for the owner of the budgets: a match that is made of this must not reach `OfferMaker.settle` before
    as many `Published` have.
    """

    account_id: str
    payload: bytes
    documents: int
    published: int


class Document(NamedTuple):
    """A document for every `Matcher.learn`; `position` counts them from 1, without a gap."""

    position: int
    key: str
    value: bytes


class Published(NamedTuple):
    """For `OfferMaker.published`: an offer decision that is on `loyalty.decisions`, or a member's consent; `position`
    counts them from 1, without a gap."""

    position: int
    value: bytes


class DeadLetter(NamedTuple):
    key: bytes | None
    content: dict[str, Any]


Passed = ForAccount | Document | Published | DeadLetter

_Text = Annotated[str, msgspec.Meta(min_length=1)]
_Seal = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
_Positive = Annotated[int, msgspec.Meta(ge=1)]


class _Progress(msgspec.Struct, array_like=True):
    documents: int = 0
    published: int = 0
    names: list[str] = []
    """Of the documents that are kept, each on an entry of its own: `document/<name>@<version>`."""


_PROGRESS: EntryCodec[_Progress] = EntryCodec(_Progress, 1)
_KEPT_DOCUMENT: EntryCodec[bytes] = EntryCodec(bytes, 1)


class EngagementValidator:
    """Checks records, and keeps of the programme what it needs to pass over engagements that fit no campaign."""

    def __init__(self) -> None:
        self._progress: _Progress | None = None
        self._campaigns = Campaigns()

    def take(self, entries: StateEntries, record: Record) -> Passed | None:
        """Check the next record of its partition; None: nothing follows from it."""
        progress = self._progress or self._load(entries)
        try:
            refuse_too_large(record)
            return _TAKE[record.topic](self, entries, progress, record)
        except WireError as error:
            return DeadLetter(letter_key(record), dead_letter(record, Refused(error.reason, str(error))))
        except Refused as refused:
            return DeadLetter(letter_key(record), dead_letter(record, refused))

    def _load(self, entries: StateEntries) -> _Progress:
        raw = entries.get("progress")
        progress = self._progress = _Progress() if raw is None else _PROGRESS.read(raw)
        for name in progress.names:
            entry = entries.get(f"document/{name}")
            assert entry is not None
            self._campaigns.learn(parse_program_document(_KEPT_DOCUMENT.read(entry)))
        return progress

    def _engagement(self, entries: StateEntries, progress: _Progress, record: Record) -> Passed | None:
        event = parse_engagement(record.value)
        _check_key(record, event.member_id)
        occurred_at = event.occurred_at
        if occurred_at > record.timestamp_ms + AHEAD_MS:
            raise Refused(
                "too_early", f"{format_time(occurred_at)} is more than 5 minutes ahead of the record's own timestamp."
            )
        if not self._campaigns.fitting(event.type, occurred_at):
            return None
        engaged = Engaged(event.event_id, event.member_id, event.type, occurred_at, record)
        return ForAccount(event.account_id, ENGAGED.write(engaged), progress.documents, progress.published)

    def _member(self, entries: StateEntries, progress: _Progress, record: Record) -> Passed | None:
        if record.value is None:
            erasure = erasure_of(record)
            if erasure.of == "profile":
                return None
            return self._for_owner(entries, progress, ERASED.write(erasure.member_id))
        fact = parse_member(record.value)
        _check_key(record, record_key(fact))
        if not isinstance(fact, MemberConsent):
            return None
        return self._for_owner(
            entries, progress, CONSENTED.write(Consented(fact.member_id, fact.occurred_at, fact.offers))
        )

    def _document(self, entries: StateEntries, progress: _Progress, record: Record) -> Passed | None:
        document = parse_program_document(record.value)
        name = record_key(document)
        _check_key(record, name)
        if not Campaigns.concerns(document):
            return None
        assert record.value is not None
        self._campaigns.learn(document)
        progress.documents += 1
        # One that comes again goes to the end: of versions alike, the last to arrive counts.
        progress.names = [known for known in progress.names if known != name] + [name]
        entries.put(f"document/{name}", _KEPT_DOCUMENT.write(record.value))
        entries.put("progress", _PROGRESS.write(progress))
        return Document(progress.documents, name, record.value)

    def _decision(self, entries: StateEntries, progress: _Progress, record: Record) -> Passed | None:
        decision = _read_decision(record.value)
        _check_key(record, decision.account_id)
        if isinstance(decision, _Ledger):
            payload = LEDGER_NEWS.write(_news(decision))
            return ForAccount(decision.account_id, payload, progress.documents, progress.published)
        return self._for_owner(entries, progress, PUBLISHED_OFFER.write(_published_offer(decision)))

    def _for_owner(self, entries: StateEntries, progress: _Progress, payload: bytes) -> Published:
        progress.published += 1
        entries.put("progress", _PROGRESS.write(progress))
        return Published(progress.published, payload)


_TAKE = {
    engagements.TOPIC: EngagementValidator._engagement,
    members.TOPIC: EngagementValidator._member,
    program.TOPIC: EngagementValidator._document,
    decisions.TOPIC: EngagementValidator._decision,
}
INPUTS = tuple(_TAKE)
"""The topics that the offers job reads."""


class _Balance(msgspec.Struct):
    pending: int
    available: int
    held: int
    debt: int
    qualifying: int
    tier: _Text


class _Cause(msgspec.Struct):
    event_id: _Text


class _Reason(msgspec.Struct):
    code: _Text


class _Terms(msgspec.Struct):
    bonus_points: int


class _Evidence(msgspec.Struct):
    offer: _Terms


class _Ledger(msgspec.Struct, tag_field="stream", tag="ledger"):
    """What this job looks at of a decision of the ledger. All of them pass here, so the rest is skipped over."""

    account_id: _Text
    sequence: _Positive
    occurred_at: str
    balance: _Balance


class _Offers(msgspec.Struct, tag_field="stream", tag="offers"):
    """What this job looks at of a decision of its own."""

    account_id: _Text
    member_id: _Text
    sequence: _Positive
    occurred_at: str
    outcome: Literal["made", "suppressed"]
    reasons: Annotated[list[_Reason], msgspec.Meta(min_length=1)]
    cause: _Cause
    rules: dict[str, int]
    evidence: _Evidence
    seal: _Seal | None = None


_DECODE: msgspec.json.Decoder[_Ledger | _Offers] = msgspec.json.Decoder(_Ledger | _Offers)


def _read_decision(value: bytes | None) -> _Ledger | _Offers:
    try:
        return _DECODE.decode(value or b"")
    except (msgspec.DecodeError, RecursionError) as error:
        parse_json(value)  # raises MalformedJson where that is what is wrong
        raise SchemaViolation(f"The value is not a decision of the contract: {error}.") from None


def _moment(text: str) -> int:
    try:
        return parse_time(text)
    except ValueError as error:
        raise SchemaViolation(f"The field occurred_at is {error}.") from None


def _news(decision: _Ledger) -> LedgerNews:
    balance = decision.balance
    amounts = (balance.pending, balance.available, balance.held, balance.debt, balance.qualifying)
    return LedgerNews(decision.sequence, _moment(decision.occurred_at), amounts, balance.tier)


def _published_offer(decision: _Offers) -> PublishedOffer:
    campaigns = [name for name in decision.rules if name.startswith(CAMPAIGN)]
    if len(campaigns) != 1:
        raise SchemaViolation("The field rules should name one campaign.")
    return PublishedOffer(
        member_id=decision.member_id,
        sequence=decision.sequence,
        event_id=decision.cause.event_id,
        occurred_at=_moment(decision.occurred_at),
        campaign_id=campaigns[0][len(CAMPAIGN) :],
        code=OFFERED if decision.outcome == "made" else decision.reasons[0].code,
        bonus_points=decision.evidence.offer.bonus_points,
        seal=b"" if decision.seal is None else bytes.fromhex(decision.seal),
    )


def _check_key(record: Record, expected: str) -> None:
    if record.key != expected.encode("utf-8", "surrogatepass"):
        raise Refused("key_mismatch", f"The record's key is not {shown(expected)}, which its value asks for.")
