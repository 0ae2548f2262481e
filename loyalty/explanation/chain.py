"""What stands behind a decision: the earlier decisions that it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from loyalty.program import Program
from loyalty.times import DAY_MS, MINUTE_MS, parse_time
from loyalty.wire.decisions import Plain

SHOWN = 20
"""Of purchases that count for a tier the latest so many are named, the others are summed up."""


class Link(NamedTuple):
    """A decision behind a decision, and what it has to do with it."""

    why: str
    decision: Plain
    counts: int | None = None
    """How many points of it count."""


class Chain(NamedTuple):
    """The links, latest last, and what is to be said about all of them."""

    links: list[Link]
    said: str | None = None


def chain_of(decision: Plain, history: Sequence[Plain], offers: Sequence[Plain], program: Program) -> Chain:
    """The decisions behind a decision. `history` is the account's ledger up to it, `offers` what was decided about
    offers to the account's members."""
    before = [one for one in history if one["sequence"] < decision["sequence"] or one["stream"] != decision["stream"]]
    kind = decision["type"]
    if kind in ("tier.changed", "tier.grace"):
        return _of_tier(decision, before, program)
    if kind == "offer.decided":
        return Chain([*_last_tier(before, decision), *_earlier_offers(decision, offers, program)])
    return Chain([*_behind(decision, before, offers, program)])


def _behind(decision: Plain, before: Sequence[Plain], offers: Sequence[Plain], program: Program) -> Iterator[Link]:
    kind, subject = decision["type"], decision["subject"]
    if kind == "points.earned" and "offer_id" not in subject:
        yield from _last_tier(before, decision)
    offer = decision["evidence"].get("offer")
    if isinstance(offer, dict) and "decision_id" in offer:
        yield from (
            Link("the offer that was made", one) for one in offers if one["decision_id"] == offer["decision_id"]
        )
    if kind == "redemption.decided":
        yield from _requests(decision, before, program)
    else:
        for name, types, why in _SAME:
            if name in subject:
                yield from (
                    Link(why, one)
                    for one in before
                    if one["type"] in types and one["subject"].get(name) == subject[name]
                )


_SAME = (
    (
        "redemption_id",
        ("redemption.decided", "redemption.settled", "redemption.released"),
        "what became of the redemption before",
    ),
    ("order_id", ("points.earned", "points.reversed", "points.released"), "what became of the order before"),
)


def _last_tier(before: Sequence[Plain], decision: Plain) -> Iterator[Link]:
    tier = decision["evidence"].get("tier")
    for one in reversed(before):
        if one["type"] == "tier.changed":
            if one["outcome"] == tier:
                yield Link(f"why the tier was {tier}", one)
            return


def _requests(decision: Plain, before: Sequence[Plain], program: Program) -> Iterator[Link]:
    """The requests that velocity rules counted, in the longest window that has one."""
    at = parse_time(decision["occurred_at"])
    codes = {reason["code"] for reason in decision["reasons"]}
    rules = program.version("fraud", decision["rules"]["fraud"]).body.velocity
    windows = [rule.window_minutes * MINUTE_MS for rule in rules if f"velocity:{rule.name}" in codes]
    if not windows:
        return
    for one in before:
        if one["type"] == "redemption.decided" and at - max(windows) < parse_time(one["occurred_at"]) <= at:
            yield Link("an earlier request that was counted", one)


def _of_tier(decision: Plain, before: Sequence[Plain], program: Program) -> Chain:
    """The decisions whose qualifying points count, and those that took some back."""
    tiers = program.version("tiers", decision["rules"]["tiers"]).body
    at = parse_time(decision["occurred_at"])
    began = at - tiers.window_days * DAY_MS
    bought: dict[str, int] = {}
    links = []
    for one in before:
        moment = parse_time(one["occurred_at"])
        counts = _qualifying(one)
        if one["type"] == "points.earned":
            bought[one["subject"].get("order_id", "")] = moment
        elif one["type"] == "points.reversed":  # taken back as of the purchase
            moment = bought.get(one["subject"].get("order_id", ""), moment)
        if counts and began < moment <= at:
            links.append(Link("qualifying points", one, counts))
    total, said = sum(link.counts or 0 for link in links), decision["evidence"]["qualifying"]
    if max(0, total) != said:
        window = f"qualifying points of the last {tiers.window_days} days"
        return Chain(links[-SHOWN:], f"On record are {total:,} {window}, and {said:,} were counted.")
    more = f", of which the latest {SHOWN} are shown" if len(links) > SHOWN else ""
    return Chain(
        links[-SHOWN:],
        f"{said:,} qualifying points of the last {tiers.window_days} days come from {len(links):,} decisions{more}.",
    )


def _qualifying(decision: Plain) -> int:
    """How many qualifying points a decision gave or took."""
    evidence = decision["evidence"]
    if decision["type"] == "points.earned":
        return sum(evidence.get("line_qualifying", ()))
    if decision["type"] == "points.reversed":
        return -int(evidence.get("qualifying_lost", 0))
    if decision["type"] == "points.adjusted" and evidence.get("qualifying"):
        return int(evidence["points"])
    return 0


def _earlier_offers(decision: Plain, offers: Sequence[Plain], program: Program) -> Iterator[Link]:
    campaign_id = decision["evidence"].get("campaign_id")
    name = f"campaign/{campaign_id}"
    days = program.version(name, decision["rules"][name]).body.cap.window_days
    at = parse_time(decision["occurred_at"])
    for one in offers:
        same = one["member_id"] == decision["member_id"] and one["evidence"].get("campaign_id") == campaign_id
        earlier = one["sequence"] < decision["sequence"] and at - days * DAY_MS < parse_time(one["occurred_at"])
        if same and earlier and one["outcome"] == "made":
            yield Link("an offer of the campaign that counts for the cap", one)
        elif (
            one["decision_id"] != decision["decision_id"] and one["cause"]["event_id"] == decision["cause"]["event_id"]
        ):
            yield Link("the same engagement, another campaign", one)
