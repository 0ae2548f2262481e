"""The ledger: how points move between pending, available, held, debt and out, lot by lot (contract §4, *Lots*, *Debt*).

Nothing here knows why points move; it keeps the lots and the balances in step:

* spending takes from available lots, soonest expiry first, then oldest;
* whatever makes points available pays debt first, so debt and available points are never both positive;
* what comes back to a lot whose expiry is over is available for a moment (it pays debt) and expires right behind.
"""

from __future__ import annotations

from loyalty.state.account import Account
from loyalty.state.entries import Lot
from loyalty.state.lists import EXPIRY, RELEASE

Drawn = list[tuple[int, int]]
"""(lot, points) that a redemption holds or has spent."""


def open_pending(account: Account, lot: Lot, points: int) -> None:
    """Open a lot with `points` that become available at its `releases_at`."""
    lot.pending = points
    account.core.pending += points
    account.lots.put(lot)
    if points:
        account.timers.add_for_lot(RELEASE, lot.releases_at, lot)
        if lot.expires_at is not None:
            account.timers.add_for_lot(EXPIRY, lot.expires_at, lot)


def open_available(account: Account, lot: Lot, points: int) -> None:
    """Open a lot whose points are available at once, but for those that pay debt."""
    make_available(account, lot, points)
    if lot.available and lot.expires_at is not None:
        account.timers.add_for_lot(EXPIRY, lot.expires_at, lot)


def release(account: Account, lot: Lot) -> None:
    """Pending points of a lot become available."""
    points = lot.pending
    lot.pending = 0
    account.core.pending -= points
    make_available(account, lot, points)


def expire(account: Account, lot: Lot) -> None:
    """What is pending or available in a lot is gone; what is held stays, and comes back to a lot that is over."""
    pending = lot.pending
    lot.pending = 0
    account.core.pending -= pending
    lot.expired += pending + lot.available
    account.lots.take_available(lot, lot.available)
    lot.expired_already = True
    account.lots.put(lot)


def hold(account: Account, points: int, keep_until: int) -> Drawn:
    """Hold available points in spending order. The points must be there."""
    drawn = []
    left = points
    while left:
        lot = account.lots.next_to_spend()
        taken = min(left, lot.available)
        account.lots.take_available(lot, taken)
        lot.held += taken
        lot.keep_until = max(lot.keep_until, keep_until)
        account.lots.put(lot)
        drawn.append((lot.number, taken))
        left -= taken
    account.core.held += points
    return drawn


def settle(account: Account, drawn: Drawn) -> None:
    """Held points are spent."""
    for number, points in drawn:
        lot = account.lots.known(number)
        lot.held -= points
        account.core.held -= points
        account.lots.put(lot)


def give_back(account: Account, drawn: Drawn, *, held: bool) -> list[Lot]:
    """Points go back to the lots they came from, paying debt first, in spending order.

    Returns the lots that are over and now hold points, which must expire right behind.
    """
    lots = sorted(
        ((account.lots.known(number), points) for number, points in drawn), key=lambda pair: pair[0].spend_key
    )
    over = []
    for lot, points in lots:
        if held:
            lot.held -= points
            account.core.held -= points
        make_available(account, lot, points)
        if lot.expired_already and lot.available:
            over.append(lot)
    return over


def make_available(account: Account, lot: Lot, points: int) -> None:
    """Points that pay debt first; what is left of them is available in this lot."""
    core = account.core
    paid = min(core.debt, points)
    core.debt -= paid
    account.lots.add_available(lot, points - paid)
    account.lots.put(lot)


def take_from_lot(account: Account, lot: Lot, points: int) -> None:
    """Take points that a lot has, the pending ones first. The caller keeps the lot."""
    pending = min(points, lot.pending)
    lot.pending -= pending
    account.core.pending -= pending
    account.lots.take_available(lot, points - pending)


def take_in_spending_order(account: Account, points: int) -> None:
    """Take available points. The points must be there."""
    left = points
    while left:
        lot = account.lots.next_to_spend()
        taken = min(left, lot.available)
        account.lots.take_available(lot, taken)
        account.lots.put(lot)
        left -= taken
