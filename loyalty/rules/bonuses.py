"""Taking up an offer: the bonus of a purchase, and what undoes it (contract §4, *Offers*).

An offer is open from its `occurred_at` up to, not including, `valid_days` later, by the purchase's `occurred_at`, for
the first purchase of its member that is decided after it has arrived, in the offer's currency where it names one, and
whose lines, those of a category at 0 bp left out, sum to at least `min_amount`. Its terms are those of the campaign
version that made it. An offer that was taken up does not open again.
"""

from __future__ import annotations

from typing import Any

from loyalty.program import CAMPAIGN, InForce
from loyalty.rules import ledger, sentences, taking
from loyalty.rules.case import About, Case, Decided, Rules
from loyalty.rules.reversals import kept
from loyalty.state import made_offers
from loyalty.state.entries import Bonus, Bonuses, Lot, Offer, Order
from loyalty.times import DAY_MS, format_time, parse_time
from loyalty.wire.decisions import reason
from loyalty.wire.events import Purchase
from loyalty.wire.evidence import (
    BonusFacts,
    BonusReversalFacts,
    OfferTakenFacts,
    Reversal,
    TakenOffer,
)
from loyalty.wire.program import CampaignOffer


def is_taken_up(facts: BonusFacts, terms: CampaignOffer) -> bool:
    """Whether a purchase takes up an offer that nobody has taken up before."""
    made_at, bought_at = parse_time(facts["offer"]["made_at"]), parse_time(facts["bought_at"])
    is_open = made_at <= bought_at < made_at + terms.valid_days * DAY_MS
    in_its_currency = terms.currency is None or terms.currency == facts["currency"]
    return is_open and in_its_currency and facts["amount"] >= terms.min_amount


def decide(facts: BonusFacts, rules: Rules) -> Decided | None:
    """The bonus, where the purchase takes the offer up."""
    terms = rules.campaign(facts["offer"]["campaign_id"]).offer
    if not is_taken_up(facts, terms):
        return None
    points = terms.bonus_points
    detail = sentences.offer_bonus(facts["order_id"], parse_time(facts["offer"]["made_at"]), points)
    return Decided([reason("offer_bonus", detail, points)], points)


def decide_reversal(facts: BonusReversalFacts, rules: Rules) -> Decided | None:
    """All of the bonus is taken back where its order was cancelled, or too little is left of it."""
    cancelled = facts["how"] == "cancellation"
    if not cancelled and facts["amount_left"] >= rules.campaign(facts["offer"]["campaign_id"]).offer.min_amount:
        return None
    points = facts["bonus_points"]
    taken = taking.decide(points, facts, rules.redemption.negative_balance)
    said = sentences.bonus_cancelled if cancelled else sentences.bonus_refunded
    detail = said(facts["order_id"], points) + taking.rest_of_sentence(taken)
    return Decided([reason(facts["how"], detail, points)], taking.change(taken), figures=taken)


def decide_issue(facts: OfferTakenFacts, rules: Rules) -> Decided:
    """The reward of an offer that was taken up."""
    points = facts["bonus_points"]
    detail = sentences.offer_taken(facts["order_id"], facts["offer"]["offer_id"], points)
    return Decided([reason("offer_taken", detail, points)])


def decide_revocation(facts: OfferTakenFacts, rules: Rules) -> Decided:
    """The reward of an offer whose order came back is taken back."""
    return Decided([reason("order_reversed", sentences.offer_reversed(facts["order_id"], facts["offer"]["offer_id"]))])


def take_up(case: Case, event: Purchase, order: Order) -> list[Bonus]:
    """Post the bonus of each open offer that this purchase takes up, oldest first; behind the purchase's own
    `points.earned`."""
    account = case.account
    offers = made_offers.of_member(account, event.member_id)
    if not offers:
        return []
    earning = case.program.version("earning", account.lots.known(order.lot).earning_version)
    category_bp = earning.body.category_bp
    amounts = [0 if category_bp.get(line.category) == 0 else line.amount for line in event.lines]
    bonuses = []
    for offer in offers:
        if offer.taken_by is not None or not made_offers.is_known(case.program, offer):
            continue
        facts: BonusFacts = {
            "order_id": event.order_id,
            "bought_at": format_time(case.at),
            "offer": _taken_offer(offer),
            "currency": event.currency,
            "amount": sum(amounts),
        }
        rules = _rules(case, offer, "earning", earning)
        decided = decide(facts, rules)
        if decided is not None:
            offer.taken_by = event.order_id
            bonuses.append(_earn(case, order, offer, rules.campaign(offer.campaign_id).offer))
            subject = {"order_id": event.order_id, "offer_id": offer.offer_id}
            case.post("points.earned", facts, decided, About(rules, subject, event.member_id))
    if bonuses:
        account.orders.add_bonuses(event.order_id, Bonuses(order.known_until, amounts, bonuses))
    if bonuses or made_offers.any_is_over(account, case.program, offers):
        made_offers.keep(account, case.program, event.member_id, offers)
    return bonuses


def issue(case: Case, event: Purchase, bonuses: list[Bonus]) -> None:
    """The rewards of a purchase that took up offers: behind its `tier.*`."""
    for bonus in bonuses:
        facts, about = _reward(case, event.order_id, event.member_id, bonus)
        case.post("reward.issued", facts, decide_issue(facts, about.rules), about)


def undo(case: Case, order_id: str, order: Order, how: Reversal) -> list[Bonus]:
    """Reverse the bonuses of an order that was cancelled, or of which less is left than they ask for; behind the
    order's own `points.reversed`. What is left is counted like its points: line by line, rounded down."""
    account = case.account
    found = account.orders.bonuses_of(order_id)
    if found is None:
        return []
    lines = zip(found.amounts, order.lines, strict=True)
    left = sum(kept(amount, line.quantity, line.returned) for amount, line in lines)
    undone = []
    for bonus in found.bonuses:
        if bonus.reversed:
            continue
        lot = account.lots.known(bonus.lot)
        facts: BonusReversalFacts = {
            "order_id": order_id,
            "how": how,
            "offer": _taken_offer(bonus.offer),
            "bonus_points": bonus.points,
            "amount_left": left,
            **taking.gather(account, lot),
        }
        rules = _rules(case, bonus.offer, "redemption", case.program.redemption(case.at))
        decided = decide_reversal(facts, rules)
        if decided is not None:
            bonus.reversed = True
            taking.apply(account, lot, decided.figures)
            case.post("points.reversed", facts, decided, About(rules, lot.subject, order.member_id))
            undone.append(bonus)
    if undone:
        account.orders.put_bonuses(order_id, found)
    return undone


def revoke(case: Case, order_id: str, order: Order, bonuses: list[Bonus]) -> None:
    """The rewards of bonuses that were reversed: behind the `tier.*`."""
    for bonus in bonuses:
        facts, about = _reward(case, order_id, order.member_id, bonus)
        case.post("reward.revoked", facts, decide_revocation(facts, about.rules), about)


def _earn(case: Case, order: Order, offer: Offer, terms: CampaignOffer) -> Bonus:
    """A lot of its own, with the release and the expiry of the order's."""
    account = case.account
    own = account.lots.known(order.lot)
    lot = Lot(
        number=account.next_number(),
        cause=case.cause,
        order_id=own.order_id,
        offer_id=offer.offer_id,
        member_id=order.member_id,
        earning_version=own.earning_version,
        releases_at=own.releases_at,
        expires_at=own.expires_at,
        keep_until=order.known_until,
    )
    ledger.open_pending(account, lot, terms.bonus_points)
    return Bonus(lot.number, offer, terms.bonus_points, terms.min_amount)


def _taken_offer(offer: Offer) -> TakenOffer:
    return {
        "decision_id": offer.decision_id,
        "campaign_id": offer.campaign_id,
        "offer_id": offer.offer_id,
        "made_at": format_time(offer.made_at),
    }


def _rules(case: Case, offer: Offer, name: str, document: InForce[Any]) -> Rules:
    """A document and the campaign version that made the offer."""
    campaign = f"{CAMPAIGN}{offer.campaign_id}"
    return Rules({name: document, campaign: case.program.version(campaign, offer.campaign_version)})


def _reward(case: Case, order_id: str, member_id: str, bonus: Bonus) -> tuple[OfferTakenFacts, About]:
    offer = bonus.offer
    campaign = f"{CAMPAIGN}{offer.campaign_id}"
    rules = Rules({campaign: case.program.version(campaign, offer.campaign_version)})
    facts: OfferTakenFacts = {"order_id": order_id, "offer": _taken_offer(offer), "bonus_points": bonus.points}
    return facts, About(rules, {"offer_id": offer.offer_id, "order_id": order_id}, member_id)
