"""Drops what no rule can need any more; `loyalty.account` says what is kept for how long."""

from __future__ import annotations

from typing import Any

from loyalty.account import HELD, Account, Lot
from loyalty.program import Program
from loyalty.seen import REMEMBER_EVENTS_MS, forget_old
from loyalty.shelf import FoldedShelf
from loyalty.takeup import forget_bonuses


def tidy(account: Account, program: Program) -> None:
    """Forget by the account's own time, so that a quiet account loses nothing that its next event may need."""
    core = account.core
    time = core.time
    if time is None:
        return
    for lot in account.lots.touched():
        if lot.empty:
            _tidy_lot(account, lot, time)
    forget_old(account, time)
    while core.keep.first is not None and core.keep.first <= time:
        entry = account.keep.first()
        if entry is None or entry[0] > time:
            break
        account.keep.remove(entry)
        kind, key = entry[1].split("/", 1)
        _FORGET[kind](account, key, time)
    if core.requests.first is not None and core.requests.first <= time - program.remember_requests_ms:
        _forget_until(time - program.remember_requests_ms, account.requests)
    if core.slid.first is not None and core.slid.first <= time - program.remember_qualifying_ms:
        _forget_until(time - program.remember_qualifying_ms, account.slid)


def _forget_until(too_old: int, shelf: FoldedShelf[Any]) -> None:
    while (entry := shelf.first()) is not None and entry[0] <= too_old:
        shelf.remove(entry)


def _tidy_lot(account: Account, lot: Lot, time: int) -> None:
    if time >= lot.keep_until:
        account.lots.remove(str(lot.number))
        return
    entry = (lot.keep_until, f"lot/{lot.number}")
    if account.keep.at_or_after(entry) != entry:
        account.keep.add(entry)


def _forget_lot(account: Account, key: str, time: int) -> None:
    lot = account.lots.get(key)
    if lot is not None and lot.empty:
        _tidy_lot(account, lot, time)


def _forget_order(account: Account, key: str, time: int) -> None:
    # One that was bought again has been read for that; any other need not be.
    order = account.orders.get(key) if account.orders.has_read(key) else None
    if order is None or order.known_until <= time:
        account.orders.remove(key)
        account.forget_order(key)


def _forget_redemption(account: Account, key: str, time: int) -> None:
    found = account.redemptions.get(key)
    if found is not None and found.status != HELD and found.known_until <= time:
        account.redemptions.remove(key)


def _forget_seen(account: Account, key: str, time: int) -> None:
    seen = account.seen.get(key)
    if seen is not None and seen.used_at + REMEMBER_EVENTS_MS <= time:
        account.seen.remove(key)


_FORGET = {
    "lot": _forget_lot,
    "order": _forget_order,
    "bonus": forget_bonuses,
    "redemption": _forget_redemption,
    "seen": _forget_seen,
}
