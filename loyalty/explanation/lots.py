"""The lots behind a balance, from the decisions alone: each is applied again by the ledger's own functions.

No event is needed for that, and no reference fact: what a decision did to the lots follows from it and from those
before it. After each, the balances must be those that the decision says; where they are not, nothing is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from loyalty.program import Program
from loyalty.rules import ledger, taking
from loyalty.state.account import Account
from loyalty.state.codec import DictEntries
from loyalty.state.entries import Cause, Lot
from loyalty.times import DAY_MS, format_time, parse_time
from loyalty.wire.decisions import Plain


class LotBalance(NamedTuple):
    """What a lot holds at one moment."""

    pending: int
    available: int
    held: int


class LotChange(NamedTuple):
    """A lot that a decision opened or moved points of."""

    opened_by: str
    """The event that opened it."""
    order_id: str | None
    offer_id: str | None
    expires_at: str | None
    before: LotBalance
    after: LotBalance


EMPTY = LotBalance(0, 0, 0)


class LedgerAgain:
    """One account, brought to where its decisions left it."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._account = Account("", DictEntries())
        self._lots: dict[int, Lot] = {}
        self._opened: dict[tuple[str | None, str | None], list[Lot]] = {}
        """Lots by the event that opened them, or their order, and their offer: a purchase may take up two of one."""
        self._drawn: dict[str, ledger.Drawn] = {}
        self._apply: dict[str, Callable[[Plain], None]] = {
            "points.earned": self._earn,
            "points.released": lambda one: ledger.release(self._account, self._lot_of(one)),
            "points.expired": lambda one: ledger.expire(self._account, self._lot_of(one)),
            "points.reversed": self._reverse,
            "points.adjusted": self._adjust,
            "redemption.decided": self._request,
            "redemption.settled": self._settle,
            "redemption.released": self._give_back,
        }

    def apply(self, decision: Plain) -> None:
        """The next decision of the ledger. Raises LookupError where it does not follow from those before it."""
        apply = self._apply.get(decision["type"])
        if apply is not None:
            apply(decision)
        core, balance = self._account.core, decision["balance"]
        now = {"pending": core.pending, "available": core.available, "held": core.held, "debt": core.debt}
        if any(balance[name] != points for name, points in now.items()):
            raise LookupError(f"the lots do not lead to the balance of decision {decision['sequence']}")

    def balances(self) -> dict[int, LotBalance]:
        """What each lot holds."""
        return {number: LotBalance(lot.pending, lot.available, lot.held) for number, lot in self._lots.items()}

    def change(self, number: int, before: LotBalance, after: LotBalance) -> LotChange:
        lot = self._lots[number]
        expires_at = None if lot.expires_at is None else format_time(lot.expires_at)
        return LotChange(lot.cause.event_id, lot.order_id, lot.offer_id, expires_at, before, after)

    def _open(self, decision: Plain, pending: bool) -> Lot:
        earning = self._program.version("earning", decision["rules"]["earning"])
        at, subject, event_id = parse_time(decision["occurred_at"]), decision["subject"], decision["cause"]["event_id"]
        expiry_days = earning.body.expiry_days
        lot = Lot(
            number=self._account.next_number(),
            cause=Cause(event_id, 0, 0, at, at, 0),
            order_id=subject.get("order_id"),
            offer_id=subject.get("offer_id"),
            member_id=decision["member_id"],
            earning_version=earning.version,
            releases_at=at + (earning.body.pending_days * DAY_MS if pending else 0),
            expires_at=None if expiry_days is None else at + expiry_days * DAY_MS,
        )
        self._lots[lot.number] = lot
        for name in {event_id, lot.order_id}:
            self._opened.setdefault((name, lot.offer_id), []).append(lot)
        return lot

    def _one_of(self, name: str, offer_id: str | None, pending: int, available: int | None) -> Lot:
        """The lot that holds what the evidence says. Raises LookupError."""
        for lot in self._opened[name, offer_id]:
            if lot.pending == pending and available in (None, lot.available):
                return lot
        raise LookupError(f"no lot of {name} holds {pending} pending points")

    def _lot_of(self, decision: Plain) -> Lot:
        evidence = decision["evidence"]
        offer_id = decision["subject"].get("offer_id")
        return self._one_of(evidence["opened_by"], offer_id, evidence["pending"], evidence.get("available"))

    def _earn(self, decision: Plain) -> None:
        ledger.open_pending(self._account, self._open(decision, pending=True), decision["points"])

    def _reverse(self, decision: Plain) -> None:
        subject, evidence = decision["subject"], decision["evidence"]
        there = evidence["own_pending"], evidence["own_available"]
        own = self._one_of(subject["order_id"], subject.get("offer_id"), *there)
        taking.apply(self._account, own, evidence)

    def _adjust(self, decision: Plain) -> None:
        if decision["evidence"]["points"] > 0:
            ledger.open_available(self._account, self._open(decision, pending=False), decision["points"])
        else:
            taking.apply(self._account, None, decision["evidence"])

    def _request(self, decision: Plain) -> None:
        if decision["outcome"] != "denied":
            points = decision["evidence"]["points"]
            self._drawn[decision["subject"]["redemption_id"]] = ledger.hold(self._account, points, 0)

    def _settle(self, decision: Plain) -> None:
        ledger.settle(self._account, self._drawn[decision["subject"]["redemption_id"]])
        self._account.core.debt -= decision["evidence"]["written_off"]

    def _give_back(self, decision: Plain) -> None:
        drawn = self._drawn[decision["subject"]["redemption_id"]]
        ledger.give_back(self._account, drawn, held=decision["evidence"]["was_held"])


def lot_changes(history: Iterable[Plain], sequence: int, program: Program) -> list[LotChange] | None:
    """The lots that decision `sequence` moved points of; `history` is the account's ledger from its beginning.

    None where that cannot be told: the ledger does not begin with its first decision, or is of the first edition.
    """
    again = LedgerAgain(program)
    try:
        for number, decision in enumerate(history, start=1):
            if decision["sequence"] != number:
                return None
            before = again.balances() if number == sequence else {}
            again.apply(decision)
            if number == sequence:
                after = again.balances()
                return [
                    again.change(lot, before.get(lot, EMPTY), now)
                    for lot, now in after.items()
                    if before.get(lot, EMPTY) != now
                ]
    except (LookupError, AssertionError):
        return None
    return None
