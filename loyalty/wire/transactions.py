"""Transaction events: `loyalty.transactions` (contract §2)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from loyalty.wire.fields import (
    LIMIT_OF_EDITION_2,
    LINES_MAX,
    Currency,
    Event,
    Int53,
    NonNegative,
    Positive,
    Text64,
    Text128,
    Text500,
    WireModel,
)
from loyalty.wire.reading import Reader

TOPIC = "loyalty.transactions"

Channel = Literal["store", "web", "app", "partner"]


class PurchaseLine(WireModel):
    line_id: Text64
    sku: Text64
    category: Text64
    quantity: Positive
    amount: NonNegative
    """Of the whole line, in minor units of the purchase's currency."""


def _line_ids_are_unique(lines: list[PurchaseLine]) -> list[PurchaseLine]:
    if len(lines) > 1 and len({line.line_id for line in lines}) < len(lines):
        raise PydanticCustomError("line_ids", "Input should name each line_id once")
    return lines


class Purchase(Event):
    type: Literal["purchase"]
    account_id: Text128
    member_id: Text128
    order_id: Text128
    channel: Channel
    currency: Currency
    lines: Annotated[
        list[PurchaseLine],
        Field(min_length=1, max_length=LINES_MAX),
        LIMIT_OF_EDITION_2,
        AfterValidator(_line_ids_are_unique),
    ]
    store_id: Text128 | None = None
    partner_id: Text128 | None = None
    payment_id: Text128 | None = None
    device_id: Text128 | None = None


class RefundLine(WireModel):
    line_id: Text64
    quantity: Positive
    """Units that come back. A line named twice adds up."""


class Refund(Event):
    """Units of an order's lines come back."""

    type: Literal["refund"]
    account_id: Text128
    order_id: Text128
    lines: Annotated[list[RefundLine], Field(min_length=1, max_length=LINES_MAX), LIMIT_OF_EDITION_2]


class Cancellation(Event):
    """All that is left of an order comes back."""

    type: Literal["cancellation"]
    account_id: Text128
    order_id: Text128


def _is_not_zero(points: int) -> int:
    if points == 0:
        raise PydanticCustomError("not_zero", "Input should be a number other than 0")
    return points


class Adjustment(Event):
    """An operator gives or takes points."""

    type: Literal["adjustment"]
    account_id: Text128
    points: Annotated[Int53, AfterValidator(_is_not_zero)]
    reason: Text500
    operator: Text128
    qualifying: bool
    """Whether the same number counts as qualifying points."""


class RedemptionRequested(Event):
    """A member asks for a reward; approval or review holds the points."""

    type: Literal["redemption.requested"]
    account_id: Text128
    member_id: Text128
    redemption_id: Text128
    reward_id: Text128
    points: Positive
    channel: Channel
    device_id: Text128 | None = None
    campaign_id: Text128 | None = None


class RedemptionCommitted(Event):
    """The held points are spent."""

    type: Literal["redemption.committed"]
    account_id: Text128
    redemption_id: Text128


class RedemptionCancelled(Event):
    """The held or spent points come back."""

    type: Literal["redemption.cancelled"]
    account_id: Text128
    redemption_id: Text128


Transaction = (
    Purchase | Refund | Cancellation | Adjustment | RedemptionRequested | RedemptionCommitted | RedemptionCancelled
)

parse_transaction: Reader[Transaction] = Reader(Annotated[Transaction, Field(discriminator="type")], told_apart=True)
"""Raises MalformedJson or SchemaViolation (`loyalty.wire.reading`)."""
