"""The evidence of a decision, by its type: the facts that the pure decide function was given, and beside them the
figures that it found (contract §5, *evidence*).

These are the very dictionaries that the rules hand over and that travel in the decision, so what is published can be
decided again without a translation. Facts and figures stand side by side: `loyalty.decided_again` reads the facts only,
and compares the figures.

No name, birth date or device stands here: of a device only whether it is known.
"""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired

from pydantic import Field, StringConstraints
from typing_extensions import TypedDict

from loyalty.times import TIME_PATTERN
from loyalty.wire.fields import Exact, ExactNonNegative, NonNegative, Positive, Text

VERSION = 1
"""Of every evidence that is written now. Decisions of the first edition of the contract have evidence without one."""

Version = Annotated[int, Field(strict=True, ge=1, le=VERSION)]
Moment = Annotated[str, StringConstraints(strict=True, pattern=TIME_PATTERN)]
"""A time as it is written on the wire."""
Device = Literal["known", "unknown", "absent"]
Reversal = Literal["refund", "cancellation"]
HoldEnd = Literal["cancelled", "hold_expired"]
TierCause = Literal["event", "reversal", "slide", "grace_over"]


class _Evidence(TypedDict):
    version: NotRequired[Version]
    """Which of these shapes it is; absent in decisions of the contract's first edition."""
    late: NotRequired[bool]
    """Whether the event was further behind the latest one of its partition than the watermark lag; not said of
    timers."""


class PurchasedLine(TypedDict):
    line_id: Text
    category: Text
    quantity: Positive
    amount: NonNegative
    """Of the whole line, in minor units."""


class PurchaseFacts(TypedDict):
    """Why a purchase earned its points."""

    order_id: Text
    currency: Text
    tier: Text
    """That the account held when the purchase was decided, before it."""
    partner_id: Text | None
    lines: list[PurchasedLine]


class PurchaseFigures(TypedDict):
    line_points: list[ExactNonNegative]
    """What each line earned, in the order of the lines."""
    line_qualifying: list[ExactNonNegative]
    partner_bp: NotRequired[NonNegative]
    points_without_partner: NotRequired[ExactNonNegative]
    partner_share: NotRequired[Exact]
    """What the partner's rate added (or took, below 10 000 bp): the settlement with the partner is by this."""


class PurchaseEvidence(_Evidence, PurchaseFacts, PurchaseFigures):
    """Of `points.earned` for a purchase."""


class TakenOffer(TypedDict):
    """An offer that was made to the member. Its terms are those of the campaign's version in the decision's `rules`."""

    decision_id: Text
    campaign_id: Text
    offer_id: Text
    made_at: Moment


class BonusFacts(TypedDict):
    """Why a purchase took up an offer."""

    order_id: Text
    bought_at: Moment
    offer: TakenOffer
    currency: Text
    amount: NonNegative
    """What the lines that count sum to, in minor units: those of a category at 0 bp do not."""


class BonusEvidence(_Evidence, BonusFacts):
    """Of `points.earned` for an offer that was taken up."""


class ReleaseFacts(TypedDict):
    """Why a lot's points became available."""

    opened_by: Text
    """The event that opened the lot."""
    releases_at: Moment
    pending: ExactNonNegative
    debt: ExactNonNegative
    """What the account owed before."""


class PaidFigures(TypedDict):
    paid_debt: ExactNonNegative
    """How many of the points paid what was owed."""


class ReleaseEvidence(_Evidence, ReleaseFacts, PaidFigures):
    """Of `points.released`."""


class ExpiryFacts(TypedDict):
    """Why points of a lot expired."""

    opened_by: Text
    expires_at: Moment | None
    pending: ExactNonNegative
    available: ExactNonNegative


class ExpiryEvidence(_Evidence, ExpiryFacts):
    """Of `points.expired`."""


class ReturnedLine(TypedDict):
    line_id: Text
    quantity: Positive
    """That was bought."""
    returned_before: NonNegative
    returning: Positive
    points: ExactNonNegative
    """That the line earned when it was bought."""
    qualifying: ExactNonNegative


class TakingFacts(TypedDict):
    """What points can be taken from."""

    own_pending: ExactNonNegative
    """In the lot of the order itself."""
    own_available: ExactNonNegative
    own_expired: ExactNonNegative
    """Of the lot of the order itself: what has expired and has not been forgiven yet."""
    available: ExactNonNegative
    """Of the whole account, the lot of the order included."""
    held: ExactNonNegative
    """What live holds hold in all: it may come back, so under `floor` the account may owe as much."""
    debt: ExactNonNegative
    """What the account owed before."""


class Taken(TypedDict):
    """Where points were taken from."""

    own_lot: ExactNonNegative
    forgiven: ExactNonNegative
    """They had expired already, so nothing is taken for them."""
    other_lots: ExactNonNegative
    debt: ExactNonNegative
    """They are owed now."""


class TakingFigures(TypedDict):
    taken: Taken
    written_off: ExactNonNegative
    """What could not be taken and is not owed."""


class OrderReversalFacts(TakingFacts):
    """Why an order's points were taken back."""

    order_id: Text
    how: Reversal
    lines: list[ReturnedLine]


class OrderReversalFigures(TakingFigures):
    lost: ExactNonNegative
    """The points that the order does not keep."""
    qualifying_lost: ExactNonNegative


class OrderReversalEvidence(_Evidence, OrderReversalFacts, OrderReversalFigures):
    """Of `points.reversed` for an order."""


class BonusReversalFacts(TakingFacts):
    """Why an order's bonus was taken back."""

    order_id: Text
    how: Reversal
    offer: TakenOffer
    bonus_points: ExactNonNegative
    amount_left: NonNegative
    """What the lines that count still sum to, in minor units."""


class BonusReversalEvidence(_Evidence, BonusReversalFacts, TakingFigures):
    """Of `points.reversed` for a bonus."""


class AdjustmentFacts(TypedDict):
    """Why an operator's adjustment moved points."""

    points: Exact
    reason: Text
    qualifying: bool
    available: ExactNonNegative
    held: ExactNonNegative
    debt: ExactNonNegative


class CreditEvidence(_Evidence, AdjustmentFacts, PaidFigures):
    """Of `points.adjusted` where points were added."""


class DebitEvidence(_Evidence, AdjustmentFacts, TakingFigures):
    """Of `points.adjusted` where points were taken."""


class TierFacts(TypedDict):
    """Why a tier changed, or grace started or ended."""

    tier_before: Text
    qualifying_before: ExactNonNegative
    """Before what the cause itself did to them."""
    qualifying: ExactNonNegative
    in_grace: bool
    because: TierCause
    """`reversal`: points were taken back; `slide`: older points left the window; `grace_over`: the grace's time is
    over; `event`: anything else."""


class TierEvidence(_Evidence, TierFacts):
    """Of `tier.changed` and `tier.grace`."""


class LiveSignal(TypedDict):
    signal: Text
    score: NonNegative
    """Its highest live score."""


class RedemptionFacts(TypedDict):
    """Why a redemption was approved, put to review or denied."""

    reward_id: Text
    points: Positive
    available: ExactNonNegative
    requested_at: Moment
    channel: Text
    device: Device
    """Whether the request's device is known; `absent` where it named none."""
    signals: list[LiveSignal]
    """Highest first."""
    requests: list[NonNegative]
    """Requests in the window of each velocity rule, in the document's order, this one included."""
    last_engaged_at: Moment | None


class RedemptionEvidence(_Evidence, RedemptionFacts):
    """Of `redemption.decided`."""


class SettlementFacts(TypedDict):
    """Why held points were spent."""

    requested_by: Text
    """The event that asked for the redemption."""
    points: Positive
    debt: ExactNonNegative
    """What the account owed before."""


class SettlementFigures(TypedDict):
    written_off: ExactNonNegative
    """What of the debt is no longer owed."""


class SettlementEvidence(_Evidence, SettlementFacts, SettlementFigures):
    """Of `redemption.settled`."""


class HoldReleaseFacts(TypedDict):
    """Why points of a redemption went back."""

    requested_by: Text
    ended: HoldEnd
    points: Positive
    was_held: bool
    """False where the redemption had been committed already."""
    debt: ExactNonNegative
    """What the account owed before."""


class HoldReleaseEvidence(_Evidence, HoldReleaseFacts, PaidFigures):
    """Of `redemption.released`."""


class RedeemedFacts(TypedDict):
    """Why a reward was issued for points, or revoked."""

    requested_by: Text
    reward_id: Text
    points: Positive


class RedeemedEvidence(_Evidence, RedeemedFacts):
    """Of `reward.issued` and `reward.revoked` for a redemption."""


class OfferTakenFacts(TypedDict):
    """Why the reward of an offer was issued, or revoked."""

    order_id: Text
    offer: TakenOffer
    bonus_points: ExactNonNegative


class OfferTakenEvidence(_Evidence, OfferTakenFacts):
    """Of `reward.issued` and `reward.revoked` for an offer."""


class OfferTerms(TypedDict):
    """Of the campaign's version in the decision's `rules`."""

    offer_id: Text
    bonus_points: NonNegative
    min_amount: NonNegative
    valid_days: NonNegative


class OfferFacts(TypedDict):
    """Why a campaign's offer was made, or was not."""

    campaign_id: Text
    offers_agreed: bool | None
    """None where the member has said nothing yet."""
    in_window: NonNegative
    """Offers that the campaign has made to the member, in that window around this one which holds most of them."""
    used_points: ExactNonNegative
    """What the campaign's offers have used of its budget."""
    made_instead: Text | None
    """The campaign whose offer this event has led to already."""


class OfferFigures(TypedDict):
    trigger: Text
    tier: Text
    ledger_sequence: NonNegative
    """Of the latest decision of the account's ledger that was known."""
    priority: Exact
    offer: OfferTerms


class OfferEvidence(_Evidence, OfferFacts, OfferFigures):
    """Of `offer.decided`."""


EVIDENCE: dict[str, tuple[type, ...]] = {
    "points.earned": (PurchaseEvidence, BonusEvidence),
    "points.released": (ReleaseEvidence,),
    "points.reversed": (OrderReversalEvidence, BonusReversalEvidence),
    "points.adjusted": (CreditEvidence, DebitEvidence),
    "points.expired": (ExpiryEvidence,),
    "tier.changed": (TierEvidence,),
    "tier.grace": (TierEvidence,),
    "redemption.decided": (RedemptionEvidence,),
    "redemption.settled": (SettlementEvidence,),
    "redemption.released": (HoldReleaseEvidence,),
    "reward.issued": (RedeemedEvidence, OfferTakenEvidence),
    "reward.revoked": (RedeemedEvidence, OfferTakenEvidence),
    "offer.decided": (OfferEvidence,),
}
"""The shapes of evidence by the decision's type; where there are two, the subject tells them apart: `offer_id` in it
names the second, and an adjustment's sign does."""
