"""From engagements to offers (contract §4, Offers): who is made which, under consent, cap and budget."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from . import schema
from .history import NEVER, REMEMBERED_MS
from .oracle import Position, check, dead_letter, position
from .redemption import Reason, reason
from .reference import Document, Reference, read_reference, take_in
from .wire import DAY_MS, Record, same_json, time_of, time_text

ENGAGEMENTS = "loyalty.engagements"

Plain = dict[str, Any]


class Offering(NamedTuple):
    """The decisions in the order in which they were made, the dead letters, and the positions of the others.

    Each engagement is in exactly one of `dead_letters`, `duplicates`, `unmatched` (it fits no campaign), `used`.
    Dead letters include those of the other topics.
    """

    decisions: list[Plain]
    dead_letters: list[Plain]
    duplicates: list[Position]
    unmatched: list[Position]
    used: list[Position]


class Use(NamedTuple):
    """An engagement that was used, and the time with it of its member in its account."""

    event: Plain
    time: int


def decide_offers(records: Sequence[Record], reference: Sequence[Record]) -> Offering:
    """Decides the engagements among `records` in the given order, after all of `reference`.

    What else is among them (members, programme documents, ledger decisions) counts from when it arrives.
    """
    known, refused = read_reference(reference)
    desk = Desk(known)
    ends: list[tuple[Record, str]] = []
    for record in records:
        if record.topic != ENGAGEMENTS:
            reason = take_in(known, record)
            if reason is not None:
                refused.append((record, reason))
            continue
        event, reason = check(record, schema.ENGAGEMENTS, "member_id")
        if reason is None:
            reason = desk.judge(event, record)
        if reason == "conflicting_duplicate" or event is None:
            refused.append((record, reason))
        else:
            ends.append((record, reason))
    return Offering(
        desk.decisions,
        [dead_letter(record, reason) for record, reason in refused],
        *([position(record) for record, end in ends if end == one] for one in ("duplicate", "unmatched", "used")),
    )


@dataclass
class Desk:
    """All that was ever decided; caps and times are counted over it again each time."""

    known: Reference
    made: dict[tuple[str, str], list[int]] = field(default_factory=lambda: defaultdict(list))
    """When a member was made offers by a campaign, in milliseconds since 1970."""
    uses: dict[tuple[str, str], list[Use]] = field(default_factory=lambda: defaultdict(list))
    """By account and member."""
    spent: Counter[str] = field(default_factory=Counter)
    numbers: Counter[str] = field(default_factory=Counter)
    decisions: list[Plain] = field(default_factory=list)

    def judge(self, event: Plain, record: Record) -> str:
        """What becomes of an engagement that has passed the checks of form."""
        moment = time_of(event, "occurred_at")
        active = self.active_campaigns(event, moment)
        if not active:
            return "unmatched"
        uses = self.uses[event["account_id"], event["member_id"]]
        time = max((use.time for use in uses), default=-NEVER)
        for use in reversed(uses):
            if use.event["event_id"] == event["event_id"] and time < use.time + REMEMBERED_MS:
                return "duplicate" if same_json(event, use.event) else "conflicting_duplicate"
        tier = self.tier_then(event["account_id"], moment)
        fitting = [one for one in active if not one.body["tiers"] or tier in one.body["tiers"]]
        if not fitting:
            return "unmatched"
        uses.append(Use(event, max(time, moment)))
        wants_offers = self.wants_offers(event["member_id"], moment)
        one_is_made = False
        for campaign in fitting:
            against = None
            if not wants_offers:
                against = reason("no_consent")
            elif self.is_capped(campaign, event["member_id"], moment):
                against = reason("cap_reached")
            elif self.is_spent(campaign):
                against = reason("budget_exhausted")
            elif one_is_made:
                against = reason("lower_priority")
            else:
                one_is_made = True
                self.made[event["member_id"], campaign.name].append(moment)
                self.spent[campaign.name] += campaign.body["offer"]["bonus_points"]
            self.decide(event, record, campaign, against)
        return "used"

    def active_campaigns(self, event: Plain, moment: int) -> list[Document]:
        """Those whose trigger and dates fit, the highest priority first, then by their names."""
        if self.known.find("tiers", moment) is None:
            return []  # before the first programme there is no tier that could fit
        found = []
        for name in self.known.documents:
            campaign = self.known.find(name, moment) if name.startswith("campaign/") else None
            if (
                campaign is not None
                and time_of(campaign.body, "active_from") <= moment < time_of(campaign.body, "active_to")
                and event["type"] in campaign.body["triggers"]
            ):
                found.append(campaign)
        return sorted(found, key=lambda one: (-one.body["priority"], one.name))

    def tier_then(self, account_id: str, moment: int) -> str:
        """By the ledger's last decision that is not after the moment; at first the first level."""
        decided = [one for one in self.known.ledger.get(account_id, []) if time_of(one, "occurred_at") <= moment]
        if decided:
            return str(max(decided, key=lambda one: int(one["sequence"]))["balance"]["tier"])
        return self.first_tier(moment)

    def first_tier(self, moment: int) -> str:
        return str(self.known.in_force("tiers", moment).body["levels"][0]["tier"])

    def wants_offers(self, member_id: str, moment: int) -> bool:
        """The consent that was the latest at the moment; of equal times the last to arrive."""
        given = [one for one in self.known.consents.get(member_id, []) if one.occurred_at <= moment]
        latest = max((one.occurred_at for one in given), default=None)
        return any(one.offers for one in [one for one in given if one.occurred_at == latest][-1:])

    def is_capped(self, campaign: Document, member_id: str, moment: int) -> bool:
        """One more offer at the moment would put a window over the cap: that which ends then, or one behind it."""
        cap = campaign.body["cap"]
        window = cap["window_days"] * DAY_MS
        moments = [*self.made[member_id, campaign.name], moment]
        return any(
            sum(1 for one in moments if end - window < one <= end) > cap["max_per_member"]
            for end in moments
            if end - window < moment <= end
        )

    def is_spent(self, campaign: Document) -> bool:
        spent = self.spent[campaign.name]
        return bool(spent + campaign.body["offer"]["bonus_points"] > campaign.body["budget_points"])

    def decide(self, event: Plain, record: Record, campaign: Document, against: Reason | None) -> None:
        member_id = event["member_id"]
        self.numbers[member_id] += 1
        self.decisions.append(
            {
                "stream": "offers",
                "sequence": self.numbers[member_id],
                "type": "offer.decided",
                "outcome": "made" if against is None else "suppressed",
                "account_id": event["account_id"],
                "member_id": member_id,
                "subject": {"offer_id": campaign.body["offer"]["offer_id"]},
                "occurred_at": time_text(time_of(event, "occurred_at")),
                "points": 0,
                "balance": self.balance(event),
                "reasons": [against or reason("offered")],
                "cause": {
                    "event_id": event["event_id"],
                    "topic": record.topic,
                    "partition": record.partition,
                    "offset": record.offset,
                },
                "rules": {campaign.name: campaign.version},
                "evidence": {"late": False},
            }
        )

    def balance(self, event: Plain) -> Plain:
        """The account's, by the last of its ledger's decisions that is known."""
        decided = self.known.ledger.get(event["account_id"], [])
        if decided:
            return dict(max(decided, key=lambda one: int(one["sequence"]))["balance"])
        nothing = dict.fromkeys(("pending", "available", "held", "debt", "qualifying"), 0)
        return {**nothing, "tier": self.first_tier(time_of(event, "occurred_at"))}
