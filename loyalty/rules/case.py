"""What every rule is handed: one account, the programme, what caused the case, and the log that decisions go to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from loyalty.program import CAMPAIGN, InForce, Program
from loyalty.records import Record, Refused, dead_letter, letter_key
from loyalty.rules.decision_log import DecisionLog
from loyalty.state.account import Account
from loyalty.state.codec import DictEntries, StateEntries
from loyalty.state.entries import NEVER, Cause
from loyalty.wire.decisions import Plain, ReasonFields
from loyalty.wire.evidence import VERSION
from loyalty.wire.program import (
    CampaignBody,
    EarningBody,
    FraudBody,
    PartnerBody,
    RedemptionBody,
    RewardBody,
    TiersBody,
)

NOBODY = Cause("", 0, 0, 0, 0, 0)
NO_FIGURES: Plain = {}


class Rules:
    """The programme documents that a decision is made by, each in one version.

    What is asked for must be among them; a partner or a reward that is not in the programme is None.
    """

    __slots__ = ("documents",)

    def __init__(self, documents: Mapping[str, InForce[Any]]) -> None:
        self.documents = documents

    @property
    def versions(self) -> dict[str, int]:
        """As a decision's `rules` names them."""
        versions = {}
        for name, document in self.documents.items():
            versions[name] = document.version
        return versions

    @property
    def earning(self) -> EarningBody:
        body: EarningBody = self.documents["earning"].body
        return body

    @property
    def tiers(self) -> TiersBody:
        body: TiersBody = self.documents["tiers"].body
        return body

    @property
    def redemption(self) -> RedemptionBody:
        body: RedemptionBody = self.documents["redemption"].body
        return body

    @property
    def fraud(self) -> FraudBody:
        body: FraudBody = self.documents["fraud"].body
        return body

    def partner(self, partner_id: str) -> PartnerBody:
        body: PartnerBody = self.documents[f"partner/{partner_id}"].body
        return body

    def reward(self, reward_id: str) -> RewardBody | None:
        found = self.documents.get(f"reward/{reward_id}")
        return None if found is None else found.body

    def campaign(self, campaign_id: str) -> CampaignBody:
        body: CampaignBody = self.documents[f"{CAMPAIGN}{campaign_id}"].body
        return body


class Decided(NamedTuple):
    """What a pure decide function makes of facts and rules."""

    reasons: list[ReasonFields]
    """The deciding one first."""
    points: int = 0
    """The signed change of pending + available + held - debt."""
    outcome: str = "posted"
    figures: Any = NO_FIGURES
    """What it found on the way; it stands beside the facts in the evidence."""


class About(NamedTuple):
    """Whom and what a decision is about, and the documents that it was made by."""

    rules: Rules
    subject: dict[str, str]
    member_id: str | None = None


class Case:
    """One account, with what is being decided for it."""

    __slots__ = ("account", "at", "cause", "dead_letters", "log", "next_due_ms", "program", "timer")

    def __init__(self) -> None:
        self.account = Account("", DictEntries())
        self.program = Program()
        self.log = DecisionLog(self.account)
        self.dead_letters: list[tuple[bytes | None, Plain]] = []
        self.next_due_ms = NEVER
        """When something is due next, as the last firing left it."""
        self.concern(NOBODY, 0)

    def turn_to(self, account_id: str, entries: StateEntries, program: Program) -> None:
        """Nothing is left of the account before."""
        self.program = program
        self.account.turn_to(account_id, entries)
        self.log.begin()
        self.dead_letters = []

    def refuse(self, record: Record, refused: Refused) -> None:
        """The record becomes a dead letter."""
        self.dead_letters.append((letter_key(record), dead_letter(record, refused)))

    def concern(self, cause: Cause, at: int, timer: str | None = None) -> None:
        """What follows is decided because of this event, or because a timer that it set has come; `at` is the
        `occurred_at` of the decisions, in ms."""
        self.cause = cause
        self.at = at
        self.timer = timer

    def post(self, kind: str, facts: Mapping[str, Any], decided: Decided, about: About) -> None:
        """Log a decision of type `kind`. The account must be as the decision leaves it."""
        evidence = {"version": VERSION, **facts, **decided.figures}
        if self.timer is None:
            evidence["late"] = self.cause.late
        self.log.add(
            {
                "type": kind,
                "outcome": decided.outcome,
                "member_id": about.member_id,
                "subject": about.subject,
                "points": decided.points,
                "reasons": decided.reasons,
                "rules": about.rules.versions,
                "evidence": evidence,
            },
            self.cause,
            self.at,
            self.timer,
        )
