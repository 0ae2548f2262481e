"""Taking up an offer: the bonus of a purchase, and what undoes it (contract §4, *Offers*).

An offer is open from its `occurred_at` up to, not including, `valid_days` later, by the purchase's `occurred_at`, for
the first purchase of its member that is decided after it has arrived and whose lines sum to at least `min_amount`. Its
terms are those of the campaign version that made it. An offer that was taken up does not open again.
"""

from __future__ import annotations

from loyalty.program import CAMPAIGN, Program
from loyalty.rules.decision_log import DecisionLog, reason
from loyalty.rules.ledger import new_lot, open_pending, take
from loyalty.rules.reversals import kept, taken_evidence, taken_rest
from loyalty.state.account import Account, Bonus, Bonuses, Cause, Offer, Order
from loyalty.times import DAY_MS, format_time
from loyalty.wire.events import Purchase
from loyalty.wire.program import CampaignOffer

REMEMBER_OFFERS_MS = 35 * DAY_MS
"""An offer is dropped this long after its end, by the account's time: for purchases that come out of order."""
REMEMBER_UNKNOWN_MS = 366 * DAY_MS
"""An offer whose campaign version is not known (yet), likewise, after it was made."""


def learn_offer(account: Account, program: Program, member_id: str, offer: Offer) -> None:
    """Keep an offer that was made. One that comes again, after a crash of the job that made it, is known by its id."""
    offers = account.offers.get(member_id) or []
    if all(known.decision_id != offer.decision_id for known in offers):
        _keep(account, program, member_id, [*offers, offer])


def take_up(account: Account, program: Program, event: Purchase, cause: Cause, log: DecisionLog) -> list[Bonus]:
    """Post the bonus of each open offer that this purchase takes up, oldest first; behind the purchase's own
    `points.earned`."""
    member_id = event.member_id
    if member_id not in account.core.offered:
        return []
    offers = account.offers.get(member_id)
    assert offers is not None
    at = event.occurred_at
    amounts = [line.amount for line in event.lines]
    amount = sum(amounts)
    bonuses = []
    for offer in offers:
        terms = _terms(program, offer)
        if offer.taken_by is None and terms is not None and _is_open(offer, terms, at) and amount >= terms.min_amount:
            offer.taken_by = event.order_id
            bonuses.append(_earn(account, event, cause, log, offer, terms, amount))
    if bonuses:
        order = account.orders.get(event.order_id)
        assert order is not None
        account.bonuses.put(event.order_id, Bonuses(order.known_until, amounts, bonuses))
        account.keep.add((order.known_until, f"bonus/{event.order_id}"))
    if bonuses or any(_is_over(account, program, offer) for offer in offers):
        _keep(account, program, member_id, offers)
    return bonuses


def issue(bonuses: list[Bonus], event: Purchase, cause: Cause, log: DecisionLog) -> None:
    """The rewards of a purchase that took up offers: behind its `tier.*`."""
    for bonus in bonuses:
        offer = bonus.offer
        log.post(
            "reward.issued",
            cause=cause,
            occurred_at=event.occurred_at,
            member_id=event.member_id,
            subject={"offer_id": offer.offer_id, "order_id": event.order_id},
            reasons=[
                reason(
                    "offer_taken",
                    f"Order {event.order_id} took up offer {offer.offer_id}: {bonus.points} points on top.",
                    bonus.points,
                )
            ],
            rules={f"{CAMPAIGN}{offer.campaign_id}": offer.campaign_version},
            evidence={"decision_id": offer.decision_id, "made_at": format_time(offer.made_at)},
        )


def undo(
    account: Account, program: Program, order_id: str, order: Order, cause: Cause, log: DecisionLog, *, cancelled: bool
) -> list[Bonus]:
    """Reverse the bonuses of an order that was cancelled, or of which less is left than they ask for; behind the
    order's own `points.reversed`. What is left is counted like its points: line by line, rounded down."""
    found = account.bonuses.get(order_id)
    if found is None:
        return []
    left = sum(
        kept(amount, line.quantity, line.returned) for amount, line in zip(found.amounts, order.lines, strict=True)
    )
    undone = [bonus for bonus in found.bonuses if not bonus.reversed and (cancelled or left < bonus.min_amount)]
    for bonus in undone:
        bonus.reversed = True
        _reverse(account, program, order_id, order, cause, log, bonus, left, cancelled)
    if undone:
        account.bonuses.put(order_id, found)
    return undone


def revoke(bonuses: list[Bonus], order_id: str, order: Order, cause: Cause, log: DecisionLog) -> None:
    """The rewards of bonuses that were reversed: behind the `tier.*`."""
    for bonus in bonuses:
        offer = bonus.offer
        log.post(
            "reward.revoked",
            cause=cause,
            occurred_at=cause.occurred_at,
            member_id=order.member_id,
            subject={"offer_id": offer.offer_id, "order_id": order_id},
            reasons=[reason("order_reversed", f"Order {order_id}, which took up offer {offer.offer_id}, came back.")],
            rules={f"{CAMPAIGN}{offer.campaign_id}": offer.campaign_version},
            evidence={"decision_id": offer.decision_id, "made_at": format_time(offer.made_at)},
        )


def forget_bonuses(account: Account, order_id: str, time: int) -> None:
    """As long as the order is known."""
    found = account.bonuses.get(order_id)
    if found is not None and found.known_until <= time:
        account.bonuses.remove(order_id)


def _terms(program: Program, offer: Offer) -> CampaignOffer | None:
    campaign = program.campaign_version(offer.campaign_id, offer.campaign_version)
    return None if campaign is None else campaign.offer


def _is_open(offer: Offer, terms: CampaignOffer, moment: int) -> bool:
    return offer.made_at <= moment < offer.made_at + terms.valid_days * DAY_MS


def _is_over(account: Account, program: Program, offer: Offer) -> bool:
    time = account.core.time
    terms = _terms(program, offer)
    kept_ms = REMEMBER_UNKNOWN_MS if terms is None else terms.valid_days * DAY_MS + REMEMBER_OFFERS_MS
    return time is not None and time >= offer.made_at + kept_ms


def _keep(account: Account, program: Program, member_id: str, offers: list[Offer]) -> None:
    """Those that are not over, in the order in which they are taken up."""
    core = account.core
    left = [offer for offer in offers if not _is_over(account, program, offer)]
    if left:
        left.sort(key=lambda offer: (offer.made_at, offer.decision_id))
        account.offers.put(member_id, left)
        if member_id not in core.offered:
            core.offered.append(member_id)
    else:
        account.offers.remove(member_id)
        if member_id in core.offered:
            core.offered.remove(member_id)


def _earn(
    account: Account, event: Purchase, cause: Cause, log: DecisionLog, offer: Offer, terms: CampaignOffer, amount: int
) -> Bonus:
    """A lot of its own, with the release and the expiry of the order's."""
    order = account.orders.get(event.order_id)
    assert order is not None
    own = account.lot(order.lot)
    points = terms.bonus_points
    lot = new_lot(
        account,
        cause,
        earning_version=own.earning_version,
        releases_at=own.releases_at,
        expires_at=own.expires_at,
        order_id=event.order_id,
        offer_id=offer.offer_id,
        member_id=event.member_id,
        keep_until=order.known_until,
    )
    open_pending(account, lot, points)
    log.post(
        "points.earned",
        cause=cause,
        occurred_at=event.occurred_at,
        member_id=event.member_id,
        subject=lot.subject,
        points=points,
        reasons=[
            reason(
                "offer_bonus",
                f"Order {event.order_id} took up the offer of {format_time(offer.made_at)}: {points} points.",
                points,
            )
        ],
        rules={"earning": own.earning_version, f"{CAMPAIGN}{offer.campaign_id}": offer.campaign_version},
        evidence={
            "offer": {
                "decision_id": offer.decision_id,
                "offer_id": offer.offer_id,
                "made_at": format_time(offer.made_at),
                "bonus_points": points,
                "min_amount": terms.min_amount,
                "valid_days": terms.valid_days,
            },
            "amount": amount,
        },
    )
    return Bonus(lot.number, offer, points, terms.min_amount)


def _reverse(
    account: Account,
    program: Program,
    order_id: str,
    order: Order,
    cause: Cause,
    log: DecisionLog,
    bonus: Bonus,
    left: int,
    cancelled: bool,
) -> None:
    rules = program.redemption(cause.occurred_at)
    lot = account.lot(bonus.lot)
    before = {"own_pending": lot.pending, "own_available": lot.available, "own_expired": lot.expired - lot.forgiven}
    before["available"] = account.core.available
    taken = take(account, bonus.points, lot, floor=rules.body.negative_balance == "floor")
    why = "was cancelled" if cancelled else f"has {left} left of the {bonus.min_amount} that its bonus asks for"
    log.post(
        "points.reversed",
        cause=cause,
        occurred_at=cause.occurred_at,
        member_id=order.member_id,
        subject=lot.subject,
        points=taken.change,
        reasons=[
            reason(
                "cancellation" if cancelled else "refund",
                f"Order {order_id} {why}: its {bonus.points} bonus points are taken back.{taken_rest(taken)}",
                bonus.points,
            )
        ],
        rules={"redemption": rules.version, f"{CAMPAIGN}{bonus.offer.campaign_id}": bonus.offer.campaign_version},
        evidence={
            "offer": {"decision_id": bonus.offer.decision_id, "min_amount": bonus.min_amount},
            "amount_left": left,
            **before,
            **taken_evidence(taken, rules.body.negative_balance),
        },
    )
