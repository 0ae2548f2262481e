"""Forgets what no rule can need any more; `loyalty.state.entries` says what is kept for how long."""

from __future__ import annotations

from loyalty.program import Program
from loyalty.state.account import REMEMBER_REQUESTS_MS, Account
from loyalty.state.entries import HELD, Lot
from loyalty.state.used_events import REMEMBER_EVENTS_MS, forget_block, forget_old
from loyalty.times import DAY_MS

FORGET_LATER_MS = DAY_MS
"""What need not be kept any more is forgotten so much later, many things at once: a busy account has one with every
event."""


FORGET_OLD_REQUESTS_MS = REMEMBER_REQUESTS_MS + 366 * DAY_MS
"""Requests of a release that did not note when each is to be forgotten."""


def tidy_lots(account: Account) -> None:
    """Lots that this unit of work has emptied are forgotten, or will be."""
    time = account.core.time
    if time is None or not account.lots.emptied:
        return
    for lot in account.lots.emptied:
        if lot.empty:
            _tidy_lot(account, lot, time)
    account.lots.emptied.clear()


def tidy(account: Account, program: Program) -> None:
    """Forget by the account's own time, so that a quiet account loses nothing that its next event may need."""
    core = account.core
    time = core.time
    if time is None:
        return
    tidy_lots(account)
    forget_old(account, time)
    if core.keep.first is not None and core.keep.first <= time - FORGET_LATER_MS:
        forget(account, time)
    if core.requests.first is not None and core.requests.first <= time - FORGET_OLD_REQUESTS_MS:
        account.requests.remove_until(time - FORGET_OLD_REQUESTS_MS)
    if core.slid.first is not None and core.slid.first <= time - program.remember_qualifying_ms - FORGET_LATER_MS:
        account.window.forget(time - program.remember_qualifying_ms)


def forget(account: Account, time: int) -> None:
    """Forget all that need not be kept at this account's time, to the millisecond."""
    while (item := account.keep.first()) is not None and item[0] <= time:
        account.keep.remove(item)
        kind, key = item[1].split("/", 1)
        _FORGET[kind](account, key, time)


def _tidy_lot(account: Account, lot: Lot, time: int) -> None:
    if time >= lot.keep_until:
        account.lots.forget(lot)
        return
    item = (lot.keep_until, f"lot/{lot.number}")
    if account.keep.at_or_after(item) != item:
        account.keep.add(item)


def _forget_lot(account: Account, key: str, time: int) -> None:
    lot = account.lots.get(key)
    if lot is not None and lot.empty:
        _tidy_lot(account, lot, time)


def _forget_order(account: Account, key: str, time: int) -> None:
    account.orders.forget(key)


def _forget_bonuses(account: Account, key: str, time: int) -> None:
    account.orders.forget_bonuses(key, time)


def _forget_redemption(account: Account, key: str, time: int) -> None:
    found = account.redemptions.get(key)
    if found is not None and found.status != HELD and found.known_until <= time:
        account.redemptions.remove(key)


def _forget_block(account: Account, key: str, time: int) -> None:
    forget_block(account, key)


def _forget_seen(account: Account, key: str, time: int) -> None:
    seen = account.seen.get(key)
    if seen is not None and seen.used_at + REMEMBER_EVENTS_MS <= time:
        account.seen.remove(key)


def _forget_request(account: Account, key: str, time: int) -> None:
    at, number = key.split("/")
    item = (int(at), int(number))
    if account.requests.at_or_after(item) == item:
        account.requests.remove(item)


_FORGET = {
    "request": _forget_request,
    "lot": _forget_lot,
    "order": _forget_order,
    "bonus": _forget_bonuses,
    "redemption": _forget_redemption,
    "block": _forget_block,
    "seen": _forget_seen,
}
