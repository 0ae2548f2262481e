"""Offers that were made to a member and wait to be taken up, and how long they are kept (contract §4, *Offers*)."""

from __future__ import annotations

from loyalty.program import Program
from loyalty.state.account import Account
from loyalty.state.entries import Offer
from loyalty.times import DAY_MS

REMEMBER_OFFERS_MS = 35 * DAY_MS
"""An offer is dropped this long after its end, by the account's time: for purchases that come out of order."""
REMEMBER_UNKNOWN_MS = 366 * DAY_MS
"""An offer whose campaign version is not known (yet), likewise, after it was made."""

OFFERS_MAX = 250
"""So many offers of one member are remembered; of more, those that are not taken up, and the latest."""


def learn(account: Account, program: Program, member_id: str, offer: Offer) -> None:
    """Keep an offer that was made. One that comes again, after a crash of the job that made it, is known by its id."""
    offers = account.offers_of(member_id)
    if all(known.decision_id != offer.decision_id for known in offers):
        keep(account, program, member_id, [*offers, offer])


def of_member(account: Account, member_id: str) -> list[Offer]:
    """In the order in which they are taken up."""
    return account.offers_of(member_id)


def is_known(program: Program, offer: Offer) -> bool:
    """Whether the version of the campaign that made it is known, whether or not it is in force."""
    return program.campaign_version(offer.campaign_id, offer.campaign_version) is not None


def keep(account: Account, program: Program, member_id: str, offers: list[Offer]) -> None:
    """Those that are not over."""
    left = [offer for offer in offers if not _is_over(account, program, offer)]
    if len(left) > OFFERS_MAX:
        left.sort(key=lambda offer: (offer.taken_by is None, offer.made_at, offer.decision_id))
        del left[:-OFFERS_MAX]
    account.keep_offers(member_id, left)


def any_is_over(account: Account, program: Program, offers: list[Offer]) -> bool:
    """Whether one of them need not be kept any more."""
    return any(_is_over(account, program, offer) for offer in offers)


def _is_over(account: Account, program: Program, offer: Offer) -> bool:
    time = account.core.time
    campaign = program.campaign_version(offer.campaign_id, offer.campaign_version)
    kept_ms = REMEMBER_UNKNOWN_MS if campaign is None else campaign.offer.valid_days * DAY_MS + REMEMBER_OFFERS_MS
    return time is not None and time >= offer.made_at + kept_ms
