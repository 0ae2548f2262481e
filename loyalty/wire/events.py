"""Transaction events as the domain takes them: what `loyalty.wire.transactions` describes, read six times as fast.

An event is read twice on its way where its intake and its decider are in different processes, so this is on the hot
path. The pydantic models stay what the contract means:
whatever this reader does not take they are asked about, and it is they that say what is wrong. Where both take a
value they read the same (`tests/wire/test_events.py` holds the two together).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta

from loyalty.times import parse_time
from loyalty.wire.fields import INT53_MAX, LINES_MAX
from loyalty.wire.reading import DEPTH_MAX, SchemaViolation, parse_json
from loyalty.wire.transactions import parse_transaction

# Evaluated by msgspec when it first reads an event, and so not under TYPE_CHECKING.
Text64 = Annotated[str, Meta(min_length=1, max_length=64)]
Text128 = Annotated[str, Meta(min_length=1, max_length=128)]
Text500 = Annotated[str, Meta(min_length=1, max_length=500)]
Positive = Annotated[int, Meta(ge=1, le=INT53_MAX)]
NonNegative = Annotated[int, Meta(ge=0, le=INT53_MAX)]
Int53 = Annotated[int, Meta(ge=-INT53_MAX, le=INT53_MAX)]
SchemaVersion = Annotated[int, Meta(ge=1, le=1)]
Channel = Literal["store", "web", "app", "partner"]
if TYPE_CHECKING:
    Moment = int
    """Epoch milliseconds."""
else:
    # Text until `read_transaction` has turned it into a number: msgspec's own hook for that costs a microsecond more.
    Moment = str


class Event(msgspec.Struct, kw_only=True, gc=False):
    """The envelope (contract §1)."""

    event_id: Text128
    schema_version: SchemaVersion
    source: Text128
    occurred_at: Moment
    account_id: Text128


class PurchaseLine(msgspec.Struct, gc=False):
    line_id: Text64
    sku: Text64
    category: Text64
    quantity: Positive
    amount: NonNegative
    """Of the whole line, in minor units of the purchase's currency."""


class Purchase(Event, kw_only=True, tag_field="type", tag="purchase", gc=False):
    member_id: Text128
    order_id: Text128
    channel: Channel
    currency: Text128
    lines: Annotated[list[PurchaseLine], Meta(min_length=1, max_length=LINES_MAX)]
    store_id: Text128 | None = None
    partner_id: Text128 | None = None
    payment_id: Text128 | None = None
    device_id: Text128 | None = None


class RefundLine(msgspec.Struct, gc=False):
    line_id: Text64
    quantity: Positive
    """Units that come back. A line named twice adds up."""


class Refund(Event, kw_only=True, tag_field="type", tag="refund", gc=False):
    """Units of an order's lines come back."""

    order_id: Text128
    lines: Annotated[list[RefundLine], Meta(min_length=1, max_length=LINES_MAX)]


class Cancellation(Event, kw_only=True, tag_field="type", tag="cancellation", gc=False):
    """All that is left of an order comes back."""

    order_id: Text128


class Adjustment(Event, kw_only=True, tag_field="type", tag="adjustment", gc=False):
    """An operator gives or takes points."""

    points: Int53
    reason: Text500
    operator: Text128
    qualifying: bool
    """Whether the same number counts as qualifying points."""


class RedemptionRequested(Event, kw_only=True, tag_field="type", tag="redemption.requested", gc=False):
    """A member asks for a reward; approval or review holds the points."""

    member_id: Text128
    redemption_id: Text128
    reward_id: Text128
    points: Positive
    channel: Channel
    device_id: Text128 | None = None
    campaign_id: Text128 | None = None


class RedemptionCommitted(Event, kw_only=True, tag_field="type", tag="redemption.committed", gc=False):
    """The held points are spent."""

    redemption_id: Text128


class RedemptionCancelled(Event, kw_only=True, tag_field="type", tag="redemption.cancelled", gc=False):
    """The held or spent points come back."""

    redemption_id: Text128


Transaction = (
    Purchase | Refund | Cancellation | Adjustment | RedemptionRequested | RedemptionCommitted | RedemptionCancelled
)

_DECODE = msgspec.json.Decoder(Transaction).decode


def read_transaction(value: bytes | None) -> Transaction:
    """The event in a record's value.

    Raises MalformedJson (also for None) or SchemaViolation, with the sentence of `loyalty.wire.reading`.
    """
    if value is not None and value.count(b"[") + value.count(b"{") <= DEPTH_MAX:
        try:
            if not value.isascii():
                value.decode()  # what is skipped is not checked by msgspec
            event: Transaction = _DECODE(value)
            event.occurred_at = parse_time(event.occurred_at)  # type: ignore[arg-type]
        except (ValueError, RecursionError):  # msgspec's own errors are ValueErrors too
            pass
        else:
            if _keeps_the_rules(event):
                return event
    return _read_slowly(value)


def read_again(value: bytes) -> Transaction:
    """The event in a value that `read_transaction` has taken before: what it checked is not checked again."""
    try:
        event: Transaction = _DECODE(value)
        event.occurred_at = parse_time(event.occurred_at)  # type: ignore[arg-type]
    except (ValueError, RecursionError):
        return _read_slowly_again(value)
    return event


def _read_slowly(value: bytes | None) -> Transaction:
    model = parse_transaction(value)
    event: Transaction = msgspec.convert(model.model_dump(mode="json"), Transaction)
    event.occurred_at = model.occurred_at
    return event


def _read_slowly_again(value: bytes) -> Transaction:
    try:
        return _read_slowly(value)
    except SchemaViolation:
        return _read_unlimited(value)


_KINDS: dict[str, type[Transaction]] = {kind.__struct_config__.tag: kind for kind in get_args(Transaction)}
_LINES: dict[type, type[PurchaseLine] | type[RefundLine]] = {Purchase: PurchaseLine, Refund: RefundLine}


def _read_unlimited(value: bytes) -> Transaction:
    """An event that was taken before texts and lists had limits (the first edition of the contract), and has been in
    state since: a refund that waits for its order, a record that was on its way when a savepoint was taken."""
    content: Any = parse_json(value)
    kind = _KINDS[content["type"]]
    fields = {name: content[name] for name in kind.__struct_fields__ if name in content}
    fields["occurred_at"] = parse_time(content["occurred_at"])
    line = _LINES.get(kind)
    if line is not None:
        fields["lines"] = [line(*[entry[name] for name in line.__struct_fields__]) for entry in content["lines"]]
    return kind(**fields)


def _keeps_the_rules(event: Transaction) -> bool:
    """What the types do not say: currencies look like ISO 4217, a purchase names each line once, none adjusts by 0."""
    kind = type(event)
    if kind is Purchase:
        assert isinstance(event, Purchase)
        lines, currency = event.lines, event.currency
        return (
            (len(lines) == 1 or len({line.line_id for line in lines}) == len(lines))
            and len(currency) == 3
            and currency.isascii()
            and currency.isalpha()
            and currency.isupper()
        )
    return not isinstance(event, Adjustment) or event.points != 0
