"""Programme documents: `loyalty.program` (contract §3)."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, StringConstraints, Tag, model_validator
from pydantic_core import PydanticCustomError

from loyalty.wire.engagements import EngagementType
from loyalty.wire.fields import (
    ENTRIES_MAX,
    LIMIT_OF_EDITION_2,
    Currency,
    Event,
    Int53,
    NonNegative,
    Positive,
    Text64,
    Text128,
    Time,
    WireModel,
)
from loyalty.wire.reading import Reader

TOPIC = "loyalty.program"


class CurrencyRate(WireModel):
    """`points` for every `per_minor` minor units."""

    points: NonNegative
    per_minor: Positive


class EarningBody(WireModel):
    currencies: dict[Currency, CurrencyRate]
    category_bp: dict[Text64, NonNegative]
    """Basis points by category; 10 000 for those not named."""
    pending_days: NonNegative
    """From the purchase until its points are available."""
    expiry_days: NonNegative | None = None
    """None: never."""
    refund_days: NonNegative
    """How long an order can be refunded or cancelled."""


class TierLevel(WireModel):
    tier: Text64
    threshold: NonNegative
    """Qualifying points from which it is reached."""
    earn_bp: NonNegative
    """Basis points by which a member of this tier earns; 10 000 is the plain rate."""


def _levels_ascend(levels: list[TierLevel]) -> list[TierLevel]:
    """Each error says `at` which level it is."""
    if levels[0].threshold != 0:
        raise PydanticCustomError("levels", "Input should begin with a level of threshold 0", {"at": 0})
    names = {levels[0].tier}
    for at, (lower, higher) in enumerate(pairwise(levels), start=1):
        if lower.threshold >= higher.threshold:
            raise PydanticCustomError("levels", "Input should have ascending thresholds", {"at": at})
        if higher.tier in names:
            raise PydanticCustomError("levels", "Input should name each tier once", {"at": at})
        names.add(higher.tier)
    return levels


class TiersBody(WireModel):
    window_days: Positive
    """How far back qualifying points count."""
    levels: Annotated[
        list[TierLevel], Field(min_length=1, max_length=ENTRIES_MAX), LIMIT_OF_EDITION_2, AfterValidator(_levels_ascend)
    ]
    grace_days: NonNegative
    """How long a tier is kept after its threshold was lost to time."""


class RedemptionBody(WireModel):
    min_points: NonNegative
    """The least a request may ask for."""
    hold_minutes: NonNegative
    """How long an approved request holds its points."""
    review_hold_minutes: NonNegative
    """How long a request in review holds its points."""
    cancel_days: NonNegative
    """How long after its request a redemption is known and, once committed, can be cancelled."""
    negative_balance: Literal["debt", "floor"]
    """What becomes of points that a refund takes and the account no longer has: owed, or written off."""


GateOutcome = Literal["review", "deny"]


class VelocityRule(WireModel):
    name: Text64
    max_requests: NonNegative
    """More than this many in the window trip the rule."""
    window_minutes: Positive
    outcome: GateOutcome


class FraudBody(WireModel):
    deny_score: NonNegative
    review_score: NonNegative
    velocity: Annotated[list[VelocityRule], Field(max_length=ENTRIES_MAX), LIMIT_OF_EDITION_2]
    engagement_within_minutes: NonNegative | None = None
    """None: the engagement rule is off."""
    no_engagement_outcome: GateOutcome | None = None
    """Needed while the engagement rule is on."""
    unknown_device_outcome: GateOutcome | None = None
    """None: the device rule is off."""

    @model_validator(mode="after")
    def _the_engagement_rule_has_an_outcome(self) -> Self:
        if self.engagement_within_minutes is not None and self.no_engagement_outcome is None:
            raise PydanticCustomError("outcome", "Input should have a no_engagement_outcome beside its minutes")
        return self


class CampaignOffer(WireModel):
    offer_id: Text128
    bonus_points: NonNegative
    min_amount: NonNegative
    """Minor units that the lines of the purchase must sum to."""
    valid_days: NonNegative
    currency: Annotated[Currency | None, Field(json_schema_extra={"x-edition": 2})] = None
    """That the purchase must be in; None: any."""


class CampaignCap(WireModel):
    max_per_member: NonNegative
    window_days: Positive


class CampaignBody(WireModel):
    active_from: Time
    active_to: Time
    triggers: Annotated[list[EngagementType], Field(max_length=ENTRIES_MAX), LIMIT_OF_EDITION_2]
    tiers: Annotated[list[Text64], Field(max_length=ENTRIES_MAX), LIMIT_OF_EDITION_2]
    """Empty: all."""
    offer: CampaignOffer
    cap: CampaignCap
    budget_points: NonNegative
    priority: Int53


class PartnerBody(WireModel):
    earn_bp: NonNegative
    active: bool


class RewardBody(WireModel):
    points: Positive
    active: bool


ProgramBody = EarningBody | TiersBody | RedemptionBody | FraudBody | CampaignBody | PartnerBody | RewardBody


class ProgramDocument(Event):
    """A version of a document. `parse_program_document` gives one of the subclasses, whose body is typed."""

    type: Literal["program.document"]
    document: Text128
    version: Positive
    effective_from: Time
    body: ProgramBody


class EarningDocument(ProgramDocument):
    document: Literal["earning"]
    body: EarningBody


class TiersDocument(ProgramDocument):
    document: Literal["tiers"]
    body: TiersBody


class RedemptionDocument(ProgramDocument):
    document: Literal["redemption"]
    body: RedemptionBody


class FraudDocument(ProgramDocument):
    document: Literal["fraud"]
    body: FraudBody


class CampaignDocument(ProgramDocument):
    document: Annotated[Text128, StringConstraints(pattern=r"^campaign/[\s\S]")]
    body: CampaignBody


class PartnerDocument(ProgramDocument):
    document: Annotated[Text128, StringConstraints(pattern=r"^partner/[\s\S]")]
    body: PartnerBody


class RewardDocument(ProgramDocument):
    document: Annotated[Text128, StringConstraints(pattern=r"^reward/[\s\S]")]
    body: RewardBody


KINDS: dict[str, type[ProgramDocument]] = {
    "earning": EarningDocument,
    "tiers": TiersDocument,
    "redemption": RedemptionDocument,
    "fraud": FraudDocument,
    "campaign": CampaignDocument,
    "partner": PartnerDocument,
    "reward": RewardDocument,
}


def kind_of(document: str) -> str:
    """`reward` for `reward/espresso`, `earning` for `earning`."""
    return document.partition("/")[0]


def _kind(value: Any) -> str | None:
    document = value.get("document") if isinstance(value, dict) else getattr(value, "document", None)
    return kind_of(document) if isinstance(document, str) else None


AnyProgramDocument = Annotated[
    Annotated[EarningDocument, Tag("earning")]
    | Annotated[TiersDocument, Tag("tiers")]
    | Annotated[RedemptionDocument, Tag("redemption")]
    | Annotated[FraudDocument, Tag("fraud")]
    | Annotated[CampaignDocument, Tag("campaign")]
    | Annotated[PartnerDocument, Tag("partner")]
    | Annotated[RewardDocument, Tag("reward")],
    Discriminator(
        _kind,
        custom_error_type="document",
        custom_error_message="Input should name a document: earning, tiers, redemption, fraud, campaign/<id>, "
        "partner/<id> or reward/<id>",
    ),
]

parse_program_document: Reader[ProgramDocument] = Reader(AnyProgramDocument, told_apart=True)
"""Raises MalformedJson or SchemaViolation (`loyalty.wire.reading`)."""
