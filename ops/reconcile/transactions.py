"""The proof, from the topics alone, that nothing was lost, doubled or made up.

Every transaction record read must be exactly one of: used (a decision names it as its cause), dead letter, known
duplicate (it says the same as a used one of its account), or a refund that still waits. And for every account the sum
of points must be what the balance says, at every decision, with no gap in the sequence (contract §4 and §5).
`ops.reconcile.offers` does the same for offers.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from loyalty.proof.findings import imbalances
from loyalty.records import Record
from loyalty.wire.content import content_digest
from loyalty.wire.reading import WireError
from loyalty.wire.transactions import Cancellation, Refund, Transaction, parse_transaction
from ops.parked.letters import is_parking
from ops.reconcile.offers import OffersBook

TRANSACTIONS, DECISIONS, DEAD_LETTERS = "loyalty.transactions", "loyalty.decisions", "loyalty.dead-letters"
MEMBERS, PROGRAM = "loyalty.members", "loyalty.program"

At = tuple[int, int]
"""Partition and offset of a transaction."""


class Reconciliation(NamedTuple):
    """The counts, and every violation in a sentence."""

    read: int
    used: int
    duplicate: int
    dead_letter: int
    waiting: int
    decisions: int
    repeated: int
    accounts: int
    reasons: Counter[str]
    violations: list[str]
    offers_made: int = 0
    offers_suppressed: int = 0
    members_with_offers: int = 0

    @property
    def sound(self) -> bool:
        return not self.violations and self.read == self.used + self.duplicate + self.dead_letter + self.waiting


class _Ledger:
    """One account's decisions as they come."""

    def __init__(self) -> None:
        self.sequence = 0
        self.points = 0
        self.seen: dict[int, str] = {}


def reconcile(
    records: list[Record],
    decisions: list[Record],
    dead_letters: list[Record],
    members: Sequence[Record] = (),
    program: Sequence[Record] = (),
) -> Reconciliation:
    """Hold what was read against what was decided and refused."""
    offers = OffersBook(members, program)
    violations: list[str] = []
    used: set[At] = set()
    ledgers: dict[str, _Ledger] = defaultdict(_Ledger)
    repeated = 0
    for record in decisions:
        decision = json.loads(record.value or b"null")
        cause = decision["cause"]
        if decision["stream"] == "offers":
            repeated += not offers.take(decision, violations)
            continue
        if "timer" not in cause:
            used.add((cause["partition"], cause["offset"]))
        repeated += not _follow(ledgers[decision["account_id"]], decision, violations)
    violations += offers.violations()
    dead, reasons, parked = _dead_letters(dead_letters)
    violations += [f"Transaction {at} was used and refused." for at in sorted(used & dead)]
    fates = _unused(records, used, dead, _behind(records, used, parked))
    violations += [f"Transaction {at} was read and nothing became of it." for at, fate in fates.items() if not fate]
    places = {(record.partition, record.offset) for record in records}
    violations += [
        f"Transaction {at} is named as a cause or a dead letter, but is not there." for at in (used | dead) - places
    ]
    return Reconciliation(
        read=len(records),
        used=len(used),
        duplicate=sum(fate == "duplicate" for fate in fates.values()),
        dead_letter=len(dead),
        waiting=sum(fate == "waiting" for fate in fates.values()),
        decisions=len(decisions),
        repeated=repeated,
        accounts=len(ledgers),
        reasons=reasons,
        violations=violations,
        offers_made=len(offers.made),
        offers_suppressed=offers.suppressed,
        members_with_offers=offers.members,
    )


def _follow(ledger: _Ledger, decision: dict[str, Any], violations: list[str]) -> bool:
    """Check the next decision of an account; False where it repeats one, as at-least-once delivery may."""
    sequence, account_id = decision["sequence"], decision["account_id"]
    if sequence <= ledger.sequence:
        if ledger.seen.get(sequence) != decision["decision_id"]:
            violations.append(f"{account_id} has two different decisions of sequence {sequence}.")
        return False
    if sequence != ledger.sequence + 1:
        violations.append(f"{account_id} has a gap before sequence {sequence}.")
    ledger.sequence = sequence
    ledger.seen[sequence] = decision["decision_id"]
    ledger.points += decision["points"]
    found = imbalances(ledger.points, decision["balance"])
    violations += [f"{account_id} {problem} at sequence {sequence}." for problem in found]
    return True


def _dead_letters(dead_letters: list[Record]) -> tuple[set[At], Counter[str], set[At]]:
    """The transactions that were refused, how many for which reason, and those of them that parked their account."""
    dead: set[At] = set()
    parked: set[At] = set()
    reasons: Counter[str] = Counter()
    for record in dead_letters:
        letter = json.loads(record.value or b"null")
        if letter["topic"] != TRANSACTIONS:
            continue
        at = (letter["partition"], letter["offset"])
        if at not in dead:
            reasons[letter["reason"]] += 1
        dead.add(at)
        if is_parking(letter):
            parked.add(at)
    return dead, reasons, parked


def _behind(records: list[Record], used: set[At], parked: set[At]) -> set[At]:
    """What waits behind a record that parked its account, for as long as nothing behind that has been used."""
    behind: dict[bytes | None, list[At]] = {}
    for record in records if parked else ():
        at = (record.partition, record.offset)
        if at in parked:
            behind.setdefault(record.key, [])
        elif at in used:
            behind.pop(record.key, None)
        elif record.key in behind:
            behind[record.key].append(at)
    return {at for waiting in behind.values() for at in waiting}


def _unused(records: list[Record], used: set[At], dead: set[At], behind: set[At]) -> dict[At, str]:
    """What became of the records that were neither used nor refused: `duplicate`, `waiting`, or nothing (empty)."""
    said: set[tuple[str, str, bytes]] = set()
    left: dict[At, tuple[tuple[str, str, bytes], bool]] = {}
    for record in records:
        at = (record.partition, record.offset)
        event = _parse(record)
        if event is None or record.value is None:
            if at not in dead:
                left[at] = (("", "", b""), False)
            continue
        waits = isinstance(event, (Refund, Cancellation))
        content = (event.account_id, event.event_id, content_digest(record.value))
        if at in used or (at in dead and waits):  # a refund that was refused had waited, and its copies were duplicates
            said.add(content)
        elif at not in dead:
            left[at] = (content, waits)
    fates = {}
    for at, (content, waits) in sorted(left.items()):
        if content in said:
            fates[at] = "duplicate"
        else:
            fates[at] = "waiting" if waits or at in behind else ""
            if waits:
                said.add(content)
    return fates


def _parse(record: Record) -> Transaction | None:
    try:
        return parse_transaction(record.value)
    except WireError:
        return None
