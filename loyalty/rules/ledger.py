"""The ledger: how points move between pending, available, held, debt and out, lot by lot.

Nothing here knows why points move; it keeps the lots and the balances in step (contract §4, *Lots* and *Debt*):

* spending takes from available lots, soonest expiry first, then oldest;
* whatever makes points available pays debt first, so debt and available points are never both positive;
* what comes back to a lot whose expiry is over is available for a moment (it pays debt) and expires right behind.
"""

from __future__ import annotations

from typing import NamedTuple

from loyalty.state.account import EXPIRY, RELEASE, Account, Cause, Lot


class Taken(NamedTuple):
    """Where reversed points came from; all in points, none negative."""

    own_lot: int
    forgiven: int
    other_lots: int
    debt: int
    written_off: int

    @property
    def change(self) -> int:
        """The (negative) change of pending + available + held - debt."""
        return -(self.own_lot + self.other_lots + self.debt)


def next_number(account: Account) -> int:
    account.core.arrivals += 1
    return account.core.arrivals


def open_pending(account: Account, lot: Lot, points: int) -> None:
    """Open a lot with `points` that become available at its `releases_at`."""
    core = account.core
    lot.pending = points
    core.pending += points
    account.put_lot(lot)
    if points:
        _schedule(account, RELEASE, lot.releases_at, lot)
        if lot.expires_at is not None:
            _schedule(account, EXPIRY, lot.expires_at, lot)


def open_available(account: Account, lot: Lot, points: int) -> int:
    """Open a lot whose points are available at once; returns how many of them paid debt."""
    paid = _make_available(account, lot, points)
    if lot.available and lot.expires_at is not None:
        _schedule(account, EXPIRY, lot.expires_at, lot)
    return paid


def release(account: Account, lot: Lot) -> tuple[int, int]:
    """Pending points of a lot become available; returns (released, paid to debt)."""
    points = lot.pending
    lot.pending = 0
    account.core.pending -= points
    return points, _make_available(account, lot, points)


def lapse(account: Account, lot: Lot) -> int:
    """A lot's expiry: what is pending or available expires, what is held stays; returns the points that expired."""
    lot.lapsed = True
    pending = lot.pending
    lot.pending = 0
    account.core.pending -= pending
    expired = pending + _take_available(account, lot, lot.available)
    lot.expired += expired
    account.put_lot(lot)
    return expired


def expire_returned(account: Account, lot: Lot) -> int:
    """What a release gave back to a lapsed lot expires; returns the points."""
    expired = _take_available(account, lot, lot.available)
    lot.expired += expired
    account.put_lot(lot)
    return expired


def hold(account: Account, points: int, keep_until: int) -> list[tuple[int, int]]:
    """Hold available points in spending order; returns (lot, points) drawn. The points must be there."""
    drawn = []
    left = points
    while left:
        lot = _next_to_spend(account)
        taken = _take_available(account, lot, min(left, lot.available))
        lot.held += taken
        lot.keep_until = max(lot.keep_until, keep_until)
        account.put_lot(lot)
        drawn.append((lot.number, taken))
        left -= taken
    account.core.held += points
    return drawn


def settle(account: Account, drawn: list[tuple[int, int]]) -> None:
    """Held points are spent."""
    for number, points in drawn:
        lot = account.lot(number)
        lot.held -= points
        account.core.held -= points
        account.put_lot(lot)


def give_back(account: Account, drawn: list[tuple[int, int]], *, held: bool) -> tuple[int, list[Lot]]:
    """Points go back to the lots they came from, paying debt first, in spending order.

    Returns what paid debt and the lapsed lots that now hold points which must expire right behind.
    """
    lots = sorted(((account.lot(number), points) for number, points in drawn), key=lambda pair: pair[0].spend_key)
    paid = 0
    lapsed = []
    for lot, points in lots:
        if held:
            lot.held -= points
            account.core.held -= points
        paid += _make_available(account, lot, points)
        if lot.lapsed and lot.available:
            lapsed.append(lot)
    return paid, lapsed


def take(account: Account, points: int, own: Lot | None, *, floor: bool) -> Taken:
    """Take reversed points: from the own lot, then what of it has expired is forgiven, then other lots, then debt or
    written off."""
    core = account.core
    own_lot = forgiven = 0
    left = points
    if own is not None:
        pending = min(left, own.pending)
        own.pending -= pending
        core.pending -= pending
        own_lot = pending + _take_available(account, own, min(left - pending, own.available))
        left -= own_lot
        forgiven = min(left, own.expired - own.forgiven)
        own.forgiven += forgiven
        left -= forgiven
        account.put_lot(own)
    other_lots = 0
    while left and core.spend.first is not None:
        lot = _next_to_spend(account)
        taken = _take_available(account, lot, min(left, lot.available))
        account.put_lot(lot)
        other_lots += taken
        left -= taken
    if floor:
        return Taken(own_lot, forgiven, other_lots, 0, left)
    core.debt += left
    return Taken(own_lot, forgiven, other_lots, left, 0)


def _schedule(account: Account, kind: int, at: int, lot: Lot) -> None:
    account.schedule_for_lot(kind, at, lot)


def _make_available(account: Account, lot: Lot, points: int) -> int:
    core = account.core
    paid = min(core.debt, points)
    core.debt -= paid
    rest = points - paid
    if rest:
        if not lot.available:
            account.spend.add(lot.spend_key)
        lot.available += rest
        core.available += rest
    account.put_lot(lot)
    return paid


def _take_available(account: Account, lot: Lot, points: int) -> int:
    if points:
        lot.available -= points
        account.core.available -= points
        if not lot.available:
            account.spend.remove(lot.spend_key)
    return points


def _next_to_spend(account: Account) -> Lot:
    first = account.spend.first()
    assert first is not None
    return account.lot(first[2])


def new_lot(
    account: Account,
    cause: Cause,
    *,
    earning_version: int,
    releases_at: int,
    expires_at: int | None,
    order_id: str | None = None,
    offer_id: str | None = None,
    member_id: str | None = None,
    keep_until: int = 0,
) -> Lot:
    """A lot with nothing in it yet."""
    return Lot(
        number=next_number(account),
        cause=cause,
        order_id=order_id,
        offer_id=offer_id,
        member_id=member_id,
        earning_version=earning_version,
        releases_at=releases_at,
        expires_at=expires_at,
        keep_until=keep_until,
    )
