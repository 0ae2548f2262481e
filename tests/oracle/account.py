"""What one account's transactions mean (contract §4): judge each event, and do in between what has become due."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from . import journal
from .history import (
    REFUND_WAITS_MS,
    REMEMBERED_MS,
    Event,
    Grace,
    History,
    Line,
    Lot,
    Order,
    Redemption,
    Return,
    TakenOffer,
)
from .journal import Move, Standing
from .redemption import Reason, judge_request, reason
from .reference import Document
from .wire import DAY_MS, MINUTE_MS, same_json, time_text

HOLD, RELEASE, EXPIRY, SLIDE, GRACE, WAIT = range(6)

USED = "used"
DUPLICATE = "duplicate"
WAITING = "waiting"

FULL_BP = 10_000


class Refused(Exception):
    """A rule of the contract makes the event a dead letter; the argument is the reason."""


class Cause(NamedTuple):
    """Why a decision is made: an event, or what it set (`timer`). `t` is the moment that tiers are judged at."""

    event: Event
    occurred_at: int
    t: int
    timer: str | None = None


class Due(NamedTuple):
    """Something that falls due at `moment`; the first four fields are the order in which such things are done."""

    moment: int
    kind: int
    set_at: int
    arrival: int
    what: Callable[[], None]


class Account:
    """One account. `ends` says by arrival how each event ended: used, duplicate, waiting, or why it is refused."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.ends: dict[int, str] = {}

    # One event

    def judge(self, event: Event) -> None:
        """Decides one event that has passed the checks of form."""
        used = self.history.earlier_use(event)
        if used is not None:
            self.ends[event.arrival] = DUPLICATE if same_json(event.body, used.body) else "conflicting_duplicate"
            return
        self.do_what_is_due(event.occurred_at)
        self.history.seen.append(event)
        try:
            self.ends[event.arrival] = self.use(event)
        except Refused as refusal:
            self.ends[event.arrival] = str(refusal)
        else:
            self.history.uses.append((event, self.history.time()))
        self.follow_with_waiting_refunds(event)
        self.do_what_is_due(self.history.time())

    def use(self, event: Event) -> str:
        """The rules of the event's type. Raises `Refused` before anything has changed."""
        if not self.history.reference.has_programme(event.occurred_at):
            raise Refused("no_programme")
        kind = event.body["type"]
        if kind in ("refund", "cancellation"):
            if self.history.known_order(event.body["order_id"]) is None:
                self.history.waiting.append(event)
                return WAITING
            self.take_back(event)
        else:
            {
                "purchase": self.earn,
                "adjustment": self.adjust,
                "redemption.requested": self.request,
                "redemption.committed": self.commit,
                "redemption.cancelled": self.cancel,
            }[kind](event)
        return USED

    def follow_with_waiting_refunds(self, event: Event) -> None:
        """Refunds that came before their purchase follow right behind it, in the order of arrival."""
        if event.body["type"] != "purchase" or self.ends[event.arrival] != USED:
            return
        order_id = event.body["order_id"]
        if self.history.known_order(order_id) is None:
            return
        for refund in [one for one in self.history.waiting if one.body["order_id"] == order_id]:
            self.history.waiting.remove(refund)
            try:
                self.take_back(refund)
                self.ends[refund.arrival] = USED
            except Refused as refusal:
                self.ends[refund.arrival] = str(refusal)
                self.history.given_up.add(refund.arrival)

    def cause_of(self, event: Event) -> Cause:
        return Cause(event, event.occurred_at, self.history.now())

    # Earning

    def earn(self, event: Event) -> None:
        body, reference = event.body, self.history.reference
        earning = reference.in_force("earning", event.occurred_at)
        tiers = reference.in_force("tiers", event.occurred_at)
        partner = None
        if body["currency"] not in earning.body["currencies"]:
            raise Refused("unknown_currency")
        if body.get("partner_id") is not None:
            partner = reference.find(f"partner/{body['partner_id']}", event.occurred_at)
            if partner is None or not partner.body["active"]:
                raise Refused("unknown_partner")
        if self.history.known_order(body["order_id"]) is not None:
            raise Refused("duplicate_order")

        rate = earning.body["currencies"][body["currency"]]
        partner_bp = FULL_BP if partner is None else partner.body["earn_bp"]
        tier_bp = next(one["earn_bp"] for one in tiers.body["levels"] if one["tier"] == self.history.tier())
        lines = {}
        for line in body["lines"]:
            category_bp = earning.body["category_bp"].get(line["category"], FULL_BP)
            rated = line["amount"] * rate["points"] * category_bp
            divisor = rate["per_minor"] * FULL_BP**3
            points = rated * tier_bp * partner_bp // divisor
            qualifying = rated * FULL_BP * FULL_BP // divisor
            counted = line["amount"] if category_bp else 0
            lines[line["line_id"]] = Line(line["quantity"], points, qualifying, counted)

        releases_at = event.occurred_at + earning.body["pending_days"] * DAY_MS
        lot = self.open_lot(event, earning, body["order_id"], body["member_id"], releases_at)
        refund_until = event.occurred_at + earning.body["refund_days"] * DAY_MS
        order = Order(event, body["order_id"], lines, refund_until, lot.number)
        self.history.orders.append(order)
        cause = self.cause_of(event)
        points = sum(line.points for line in lines.values())
        self.decide(
            "points.earned",
            cause,
            moves=moved(lot.number, journal.OUTSIDE, journal.PENDING, points),
            member_id=body["member_id"],
            subject={"order_id": body["order_id"]},
            reasons=[reason("purchase")],
            rules=[earning, tiers, partner],
        )
        bonuses = self.take_up_offers(order, cause, earning, releases_at)
        self.look_at_tiers(cause)
        for bonus in bonuses:
            self.decide_on_reward(bonus, "reward.issued", cause, "offer_taken")

    def take_up_offers(self, order: Order, cause: Cause, earning: Document, releases_at: int) -> list[TakenOffer]:
        """A lot of its own for the bonus of each offer that the purchase takes up."""
        member_id = order.event.body["member_id"]
        bonuses = []
        for offer, campaign in self.history.offers_that_fit(order):
            points, at_least = campaign.body["offer"]["bonus_points"], campaign.body["offer"]["min_amount"]
            lot = self.open_lot(order.event, earning, order.order_id, member_id, releases_at, offer.offer_id)
            bonuses.append(TakenOffer(offer, order, points, at_least, lot.number))
            self.decide(
                "points.earned",
                cause,
                moves=moved(lot.number, journal.OUTSIDE, journal.PENDING, points),
                member_id=member_id,
                subject=lot_subject(lot),
                reasons=[reason("offer_bonus")],
                rules=[earning, campaign],
            )
        self.history.taken += bonuses
        return bonuses

    def decide_on_reward(self, bonus: TakenOffer, kind: str, cause: Cause, code: str) -> None:
        self.decide(
            kind,
            cause,
            member_id=bonus.offer.member_id,
            subject={"offer_id": bonus.offer.offer_id, "order_id": bonus.order.order_id},
            reasons=[reason(code)],
        )

    def open_lot(
        self,
        event: Event,
        earning: Document,
        order_id: str | None,
        member_id: str | None,
        releases_at: int | None,
        offer_id: str | None = None,
    ) -> Lot:
        days = earning.body["expiry_days"]
        expires_at = None if days is None else event.occurred_at + days * DAY_MS
        lot = Lot(len(self.history.lots), event, order_id, member_id, releases_at, expires_at, offer_id)
        self.history.lots.append(lot)
        return lot

    # Taking points away

    def take_back(self, event: Event) -> None:
        """A refund or cancellation of a known order."""
        order = self.history.known_order(event.body["order_id"])
        assert order is not None
        back = self.history.units_back()
        left = {name: line.quantity - back[order.lot, name] for name, line in order.lines.items()}
        if event.body["type"] == "cancellation":
            units, code = left, "cancellation"
        else:
            units, code = {}, "refund"
            for line in event.body["lines"]:
                units[line["line_id"]] = units.get(line["line_id"], 0) + line["quantity"]
        if any(quantity > left.get(name, 0) for name, quantity in units.items()):
            raise Refused("over_refund")

        cause = self.cause_of(event)
        sum_before = self.history.qualifying_sum(cause.t)
        kept_before = self.history.kept_points(order)
        self.history.returns.append(Return(event, order, units))
        kept_after = self.history.kept_points(order)
        redemption = self.history.reference.in_force("redemption", event.occurred_at)
        self.reverse(kept_before - kept_after, order.lot, cause, code, redemption)
        amount_left = self.history.amount_left(order)
        undone = [
            one for one in self.history.bonuses_of(order) if code == "cancellation" or amount_left < one.min_amount
        ]
        for bonus in undone:
            self.history.undone.add(bonus.lot)
            self.reverse(bonus.bonus_points, bonus.lot, cause, code, redemption)
        self.look_at_tiers(cause, sum_before)
        for bonus in undone:
            self.decide_on_reward(bonus, "reward.revoked", cause, "order_reversed")

    def reverse(self, points: int, own_lot: int, cause: Cause, code: str, redemption: Document) -> None:
        lot = self.history.lots[own_lot]
        self.decide(
            "points.reversed",
            cause,
            moves=self.take(points, own_lot, redemption),
            member_id=lot.member_id,
            subject=lot_subject(lot),
            reasons=[reason(code)],
            rules=[redemption],
        )

    def take(self, points: int, own_lot: int | None, redemption: Document) -> list[Move]:
        """From the own lot, forgiven where that has expired, from the other lots, then debt or written off.

        Under `floor` debt grows no further than to what live holds may give back.
        """
        standing = self.history.standing()
        moves: list[Move] = []
        if own_lot is not None:
            for source, target in (
                (journal.PENDING, journal.TAKEN),
                (journal.AVAILABLE, journal.TAKEN),
                (journal.EXPIRED, journal.FORGIVEN),
            ):
                part = min(points, standing.by_lot[own_lot, source])
                moves += moved(own_lot, source, target, part)
                points -= part
        others = self.history.spend(Standing(self.history.moves + moves), points, journal.TAKEN)
        points -= sum(move.points for move in others)
        owed = points
        if redemption.body["negative_balance"] == "floor":
            owed = min(points, max(0, standing.total[journal.HELD] - standing.debt))
        to_debt = moved(None, journal.OUTSIDE, journal.OWED, owed)
        return moves + others + to_debt + moved(None, journal.OUTSIDE, journal.WRITTEN_OFF, points - owed)

    def adjust(self, event: Event) -> None:
        points = event.body["points"]
        cause = self.cause_of(event)
        sum_before = self.history.qualifying_sum(cause.t)
        self.history.adjustments.append(event)
        if points > 0:
            document = self.history.reference.in_force("earning", event.occurred_at)
            lot = self.open_lot(event, document, None, None, None)
            moves = self.history.with_debt_paid(moved(lot.number, journal.OUTSIDE, journal.AVAILABLE, points))
        else:
            document = self.history.reference.in_force("redemption", event.occurred_at)
            moves = self.take(-points, None, document)
        self.decide(
            "points.adjusted",
            cause,
            moves=moves,
            reasons=[reason("adjustment")],
            rules=[document],
        )
        self.look_at_tiers(cause, sum_before)

    # Redemption

    def request(self, event: Event) -> None:
        body, reference = event.body, self.history.reference
        if self.history.known_redemption(body["redemption_id"]) is not None:
            raise Refused("duplicate_redemption")
        cause = self.cause_of(event)
        self.look_at_tiers(cause)
        outcome, reasons = judge_request(self.history, event)
        terms = reference.in_force("redemption", event.occurred_at)
        number = len(self.history.redemptions)
        moves: list[Move] = []
        hold_until = None
        if outcome != "denied":
            minutes = terms.body["hold_minutes" if outcome == "approved" else "review_hold_minutes"]
            hold_until = event.occurred_at + minutes * MINUTE_MS
            moves = self.history.spend(self.history.standing(), body["points"], journal.HELD, number)
        known_until = event.occurred_at + terms.body["cancel_days"] * DAY_MS
        counts_until = self.history.time() + REMEMBERED_MS
        self.history.redemptions.append(
            Redemption(number, event, body["redemption_id"], hold_until, known_until, counts_until)
        )
        self.decide(
            "redemption.decided",
            cause,
            outcome=outcome,
            moves=moves,
            member_id=body["member_id"],
            subject=redemption_subject(event),
            reasons=reasons,
            rules=[
                terms,
                reference.in_force("fraud", event.occurred_at),
                reference.find(f"reward/{body['reward_id']}", event.occurred_at),
            ],
        )

    def commit(self, event: Event) -> None:
        redemption = self.known_redemption(event)
        if self.history.place_of_hold(redemption) != journal.HELD:
            raise Refused("no_hold")
        cause = self.cause_of(event)
        self.look_at_tiers(cause)
        moves = [
            Move(move.lot, journal.HELD, journal.SPENT, move.points, redemption.number)
            for move in self.history.held_lots(redemption)
        ]
        terms = self.history.reference.in_force("redemption", event.occurred_at)
        if terms.body["negative_balance"] == "floor":
            # What was owed because these points might come back is owed no longer: they never will.
            spent = sum(move.points for move in moves)
            moves += moved(None, journal.OWED, journal.WRITTEN_OFF, min(spent, self.history.standing().debt))
        self.decide_on(redemption, "redemption.settled", cause, "committed", moves, [terms])
        self.decide_on(redemption, "reward.issued", cause, "redeemed")

    def cancel(self, event: Event) -> None:
        redemption = self.known_redemption(event)
        place = self.history.place_of_hold(redemption)
        if place is None:
            raise Refused("no_hold")
        cause = self.cause_of(event)
        self.look_at_tiers(cause)
        self.give_back(redemption, cause, "cancelled", place)
        if place == journal.SPENT:
            self.decide_on(redemption, "reward.revoked", cause, "redemption_cancelled")

    def known_redemption(self, event: Event) -> Redemption:
        redemption = self.history.known_redemption(event.body["redemption_id"])
        if redemption is None:
            raise Refused("unknown_redemption")
        return redemption

    def give_back(self, redemption: Redemption, cause: Cause, code: str, source: str) -> None:
        """To the very lots the points came from; debt first, then what is left in an expired lot expires again."""
        taken = self.history.held_lots(redemption)
        moves = [Move(move.lot, source, journal.AVAILABLE, move.points, redemption.number) for move in taken]
        self.decide_on(redemption, "redemption.released", cause, code, self.history.with_debt_paid(moves))
        for lot, _ in self.history.available_lots(self.history.standing()):
            if self.history.has_expired(lot):
                self.expire(lot, cause)

    def decide_on(
        self,
        redemption: Redemption,
        kind: str,
        cause: Cause,
        code: str,
        moves: list[Move] | None = None,
        rules: list[Document] | None = None,
    ) -> None:
        self.decide(
            kind,
            cause,
            moves=moves,
            member_id=redemption.event.body["member_id"],
            subject=redemption_subject(redemption.event),
            reasons=[reason(code)],
            rules=rules,
        )

    # Tiers

    def look_at_tiers(self, cause: Cause, sum_before: int | None = None, and_leaving: bool = False) -> None:
        """Up, out of grace, down by a reversal, or into grace because other rules have taken effect.

        `sum_before` is the sum of qualifying points without the reversal or adjustment that is the cause.
        """
        document = self.history.tiers_at(cause.t)
        total = self.history.qualifying_sum(cause.t, and_leaving)
        if self.verdict(document, total) != "below":
            self.rise(cause, document, total)
        elif sum_before is not None and sum_before >= threshold_of(document, self.history.tier()):
            self.fall(cause, document, total, "points_reversed")
        else:
            self.start_grace(cause, document, total, "rules_changed")

    def verdict(self, document: Document, total: int) -> str | None:
        """What a sum of qualifying points calls for, if anything: `up:<tier>`, `regained` or `below`."""
        tier, graced = self.history.tier(), self.history.grace() is not None
        if threshold_of(document, reached(document, total)) > threshold_of(document, tier):
            return f"up:{reached(document, total)}"
        if total >= threshold_of(document, tier):
            return "regained" if graced else None
        return None if graced else "below"

    def rise(self, cause: Cause, document: Document, total: int) -> None:
        """Ends a grace whose threshold is reached again, and goes up where a higher one is."""
        tier = self.history.tier()
        if total < threshold_of(document, tier):
            return
        if self.history.grace() is not None:
            self.decide_tier("tier.grace", "ended", cause, document, total, tier, "threshold_reached")
        higher = reached(document, total)
        if threshold_of(document, higher) > threshold_of(document, tier):
            self.decide_tier("tier.changed", higher, cause, document, total, higher, "threshold_reached")

    def fall(self, cause: Cause, document: Document, total: int, code: str) -> None:
        lower = reached(document, total)
        self.decide_tier("tier.changed", lower, cause, document, total, self.history.tier(), code)

    def start_grace(self, cause: Cause, document: Document, total: int, code: str) -> None:
        self.history.graces.append(Grace(cause.event, cause.t + document.body["grace_days"] * DAY_MS))
        self.decide_tier("tier.grace", "started", cause, document, total, self.history.tier(), code)

    def decide_tier(
        self, kind: str, outcome: str, cause: Cause, document: Document, total: int, measured_by: str, code: str
    ) -> None:
        self.decide(
            kind,
            cause,
            outcome=outcome,
            reasons=[reason(code, total, threshold_of(document, measured_by))],
            rules=[document],
        )

    # What falls due

    def do_what_is_due(self, until: int) -> None:
        """Does, one after another, all that is due at or before `until`, and what that in turn sets."""
        while due := self.outstanding(until):
            min(due, key=lambda one: one[:4]).what()

    def outstanding(self, until: int) -> list[Due]:
        """Everything due at or before `until` that has been set and not been done."""
        found: list[Due] = []

        def add(moment: int, kind: int, event: Event, what: Callable[[], None]) -> None:
            if moment <= until:
                found.append(Due(moment, kind, event.occurred_at, event.arrival, what))

        history = self.history
        places = history.places_of_holds()
        for redemption in history.redemptions:
            if redemption.hold_until is not None and places[redemption.number] == journal.HELD:
                add(redemption.hold_until, HOLD, redemption.event, partial(self.end_hold, redemption))
        for lot in history.lots:
            if lot.releases_at is not None and ("release", lot.number, lot.releases_at) not in history.done:
                add(lot.releases_at, RELEASE, lot.event, partial(self.release, lot))
            if lot.expires_at is not None and ("expiry", lot.number, lot.expires_at) not in history.done:
                add(lot.expires_at, EXPIRY, lot.event, partial(self.end_lot, lot))
        qualifying = [event for event in history.adjustments if event.body["qualifying"]]
        for event in [order.event for order in history.orders] + qualifying:
            for moment in history.slides_of(event):
                if not history.has_left(event, moment):
                    add(moment, SLIDE, event, partial(self.slide, moment))
        grace = history.grace()
        if grace is not None:
            add(grace.ends_at, GRACE, grace.event, partial(self.end_grace, grace))
        for event in history.waiting:
            add(event.occurred_at + REFUND_WAITS_MS, WAIT, event, partial(self.give_up, event))
        return found

    def due_cause(self, event: Event, moment: int, timer: str) -> Cause:
        """Judged at the moment it was due, or at the account's time where that is already later."""
        return Cause(event, moment, max(moment, self.history.now()), timer)

    def look_behind_due(self, cause: Cause) -> None:
        self.look_at_tiers(cause, and_leaving=self.comes_before_slides(cause))

    def comes_before_slides(self, cause: Cause) -> bool:
        """Points that leave the window at this very moment are still counted: their slide comes later in the order."""
        return cause.timer in ("hold", "release", "expiry") and self.history.time() < cause.occurred_at == cause.t

    def end_hold(self, redemption: Redemption) -> None:
        assert redemption.hold_until is not None
        cause = self.due_cause(redemption.event, redemption.hold_until, "hold")
        self.look_behind_due(cause)
        self.give_back(redemption, cause, "hold_expired", journal.HELD)

    def release(self, lot: Lot) -> None:
        assert lot.releases_at is not None
        self.history.done.add(("release", lot.number, lot.releases_at))
        points = self.history.standing().by_lot[lot.number, journal.PENDING]
        if points == 0:
            return
        cause = self.due_cause(lot.event, lot.releases_at, "release")
        self.decide(
            "points.released",
            cause,
            moves=self.history.with_debt_paid(moved(lot.number, journal.PENDING, journal.AVAILABLE, points)),
            member_id=lot.member_id,
            subject=lot_subject(lot),
            reasons=[reason("return_window_ended", points)],
        )
        self.look_behind_due(cause)

    def end_lot(self, lot: Lot) -> None:
        assert lot.expires_at is not None
        self.history.done.add(("expiry", lot.number, lot.expires_at))
        standing = self.history.standing()
        if standing.by_lot[lot.number, journal.PENDING] + standing.by_lot[lot.number, journal.AVAILABLE] == 0:
            return
        cause = self.due_cause(lot.event, lot.expires_at, "expiry")
        self.expire(lot, cause)
        self.look_behind_due(cause)

    def expire(self, lot: Lot, cause: Cause) -> None:
        standing = self.history.standing()
        moves = []
        for source in (journal.PENDING, journal.AVAILABLE):
            moves += moved(lot.number, source, journal.EXPIRED, standing.by_lot[lot.number, source])
        self.decide(
            "points.expired",
            cause,
            moves=moves,
            member_id=lot.member_id,
            subject=lot_subject(lot),
            reasons=[reason("lot_expired")],
        )

    def slide(self, moment: int) -> None:
        """All points that leave the window at this moment leave it together; the first of them is the cause."""
        document = self.history.tiers_at(moment)
        before = self.history.qualifying_sum(moment, and_leaving=True)
        after = self.history.qualifying_sum(moment)
        leaving = [one for one in self.history.qualifying_points() if moment in self.history.slides_of(one.event)]
        for one in leaving:
            self.history.done.add(("slide", one.event.arrival, moment))
        leaving = [one for one in leaving if one.points != 0]
        if not leaving or moment <= self.history.time() or moment < self.history.now():
            return
        calls_for = self.verdict(document, after)
        if calls_for is None:
            return
        cause = self.due_cause(leaving[0].event, moment, "slide")
        if calls_for == "below":
            was_below_already = self.verdict(document, before) == "below"
            self.start_grace(cause, document, after, "rules_changed" if was_below_already else "window_slid")
        else:
            self.rise(cause, document, after)

    def end_grace(self, grace: Grace) -> None:
        cause = self.due_cause(grace.event, grace.ends_at, "grace")
        document = self.history.tiers_at(cause.t)
        total = self.history.qualifying_sum(cause.t)
        if total >= threshold_of(document, self.history.tier()):
            self.rise(cause, document, total)
        else:
            self.fall(cause, document, total, "grace_ended")

    def give_up(self, refund: Event) -> None:
        self.history.waiting.remove(refund)
        self.history.given_up.add(refund.arrival)
        self.ends[refund.arrival] = "unknown_order"

    # A decision

    def decide(
        self,
        kind: str,
        cause: Cause,
        *,
        reasons: list[Reason],
        outcome: str = "posted",
        moves: list[Move] | None = None,
        member_id: str | None = None,
        subject: dict[str, Any] | None = None,
        rules: list[Document | None] | list[Document] | None = None,
    ) -> None:
        """Writes the moves into the book and the decision behind those already made."""
        history, record = self.history, cause.event.record
        history.moves += moves or []
        after = history.standing()
        check_standing(after)
        position = {
            "event_id": cause.event.body["event_id"],
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
        }
        evidence: dict[str, Any] = {"late": cause.timer is None and cause.event.late}
        written_off = sum(move.points for move in moves or [] if move.target == journal.WRITTEN_OFF)
        if written_off:
            evidence["written_off"] = written_off
        decision: dict[str, Any] = {
            "stream": "ledger",
            "sequence": len(history.decisions) + 1,
            "type": kind,
            "outcome": outcome,
            "account_id": history.account_id,
            "member_id": member_id,
            "subject": subject or {},
            "occurred_at": time_text(cause.occurred_at),
            "points": Standing(moves or []).balance,
            "reasons": reasons,
            "cause": position if cause.timer is None else {**position, "timer": cause.timer},
            "rules": {one.name: one.version for one in rules or [] if one is not None},
            "evidence": evidence,
        }
        history.decisions.append(decision)
        history.moments.append(cause.occurred_at)
        decision["balance"] = {
            "pending": after.total[journal.PENDING],
            "available": after.total[journal.AVAILABLE],
            "held": after.total[journal.HELD],
            "debt": after.debt,
            "qualifying": history.qualifying_sum(cause.t, self.comes_before_slides(cause)),
            "tier": history.tier(),
        }


def moved(lot: int | None, source: str, target: str, points: int) -> list[Move]:
    """One move, or none when there is nothing to move."""
    return [Move(lot, source, target, points)] if points else []


def check_standing(standing: Standing) -> None:
    """What must hold at every decision, whatever the history."""
    assert all(
        standing.total[place] >= 0 for place in (journal.PENDING, journal.AVAILABLE, journal.HELD, journal.SPENT)
    )
    assert standing.debt >= 0
    assert standing.debt == 0 or standing.total[journal.AVAILABLE] == 0


def redemption_subject(request: Event) -> dict[str, Any]:
    return {"redemption_id": request.body["redemption_id"], "reward_id": request.body["reward_id"]}


def lot_subject(lot: Lot) -> dict[str, Any]:
    named = {"order_id": lot.order_id, "offer_id": lot.offer_id}
    return {name: one for name, one in named.items() if one is not None}


def threshold_of(document: Document, tier: str) -> int:
    return next(int(one["threshold"]) for one in document.body["levels"] if one["tier"] == tier)


def reached(document: Document, total: int) -> str:
    """The highest level whose threshold is not above the sum."""
    return str([one["tier"] for one in document.body["levels"] if one["threshold"] <= total][-1])
