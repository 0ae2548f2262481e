"""Histories written by hand with engagements and offers: members `m` and others of account `a`."""

import json
from typing import Any

from .offers import Offering, decide_offers
from .oracle import Result, decide_all
from .stories import Plain, Story, at
from .wire import Record, time_text

CAMPAIGN: Plain = {
    "active_from": time_text(at(0)),
    "active_to": time_text(at(100)),
    "triggers": ["click"],
    "tiers": [],
    "offer": {"offer_id": "double", "bonus_points": 50, "min_amount": 1_000, "valid_days": 7},
    "cap": {"max_per_member": 1, "window_days": 10},
    "budget_points": 1_000,
    "priority": 1,
}
"""A click gives 50 points on the next purchase of 10 EUR within 7 days, once in 10 days."""

EMPTY: Plain = {"pending": 0, "available": 0, "held": 0, "debt": 0, "qualifying": 0, "tier": "basic"}


class OfferStory(Story):
    """A story whose member `m` agreed to offers long ago, if so `agreed`."""

    def __init__(self, agreed: bool = True, **changed: Plain) -> None:
        super().__init__(0, **changed)
        self.engagements: list[Record] = []
        if agreed:
            self.consent(at(-50))

    def offers(self) -> Offering:
        return decide_offers(self.engagements, self.reference)

    def decide_with_offers(self) -> Result:
        """First the engagements, then the transactions with all offers known."""
        made = [self.written(decision) for decision in self.offers().decisions]
        return decide_all(self.transactions, [*self.reference, *made], self.lag_ms)

    def written(self, decision: Plain) -> Record:
        """An oracle's decision as it would lie on its topic."""
        whole = {**decision, "decision_id": f"{decision['member_id']}-{decision['sequence']}"}
        key = decision["account_id"].encode()
        return self.record("loyalty.decisions", 0, at(), key, json.dumps(whole).encode())

    def campaign(self, name: str = "spring", version: int = 1, effective_from: int = at(-10), **changed: Any) -> None:
        """`changed` gives fields of the body, or of its `offer` or `cap`, that differ from `CAMPAIGN`."""
        body = {**CAMPAIGN, **{field: value for field, value in changed.items() if field in CAMPAIGN}}
        for part, optional in (("offer", ["currency"]), ("cap", [])):
            names = [*body[part], *optional]
            body[part] = {**body[part], **{field: value for field, value in changed.items() if field in names}}
        self.document(f"campaign/{name}", body, version, effective_from)

    def consent(self, moment: int, offers: bool = True, member_id: str = "m") -> None:
        event = self.envelope("member.consent", moment)
        event.update(account_id="a", member_id=member_id, offers=offers, profiling=False)
        self.refer("loyalty.members", f"{member_id}:consent", event)

    def holds(self, tier: str, moment: int, sequence: int, **balance: int) -> None:
        """A decision of the account's ledger, which says the tier and the balance."""
        decision = {
            **self.envelope("tier.changed", moment),
            "decision_id": f"ledger-{sequence}",
            "stream": "ledger",
            "sequence": sequence,
            "outcome": tier,
            "account_id": "a",
            "member_id": None,
            "subject": {},
            "balance": {**EMPTY, **balance, "tier": tier},
            "rules": {"tiers": 1},
        }
        self.refer("loyalty.decisions", "a", decision)

    def engage(self, moment: int, kind: str = "click", member_id: str = "m", **fields: Any) -> Plain:
        event = {**self.envelope(kind, moment), "account_id": "a", "member_id": member_id, "channel": "email", **fields}
        self.engage_by_bytes(json.dumps(event).encode(), event["member_id"].encode(), moment)
        return event

    def engage_by_bytes(self, value: bytes | None, key: bytes | None = b"m", moment: int = at()) -> None:
        self.engagements.append(self.record("loyalty.engagements", 0, moment, key, value))


def outcomes(offering: Offering, member_id: str = "m") -> list[str]:
    """Each offer decision of a member in short: its campaign and `made`, or why not."""
    return [
        f"{campaign.removeprefix('campaign/')} {'made' if one['outcome'] == 'made' else one['reasons'][0]['code']}"
        for one in offering.decisions
        if one["member_id"] == member_id
        for campaign in one["rules"]
    ]
