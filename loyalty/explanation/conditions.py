"""Every condition of a decision, met or not, with what was, what was needed, and the document that says so.

Whether a condition is met is never judged here: it is met where the pure decide function gives no reason against it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from loyalty.program import CAMPAIGN, Program
from loyalty.rules import gate, offers, redemption, tiers
from loyalty.rules.case import Rules
from loyalty.rules.words import counted, points, span
from loyalty.times import MINUTE_MS, parse_time
from loyalty.wire.decisions import Plain, ReasonFields
from loyalty.wire.evidence import OfferFacts, RedemptionFacts, TierFacts
from loyalty.wire.program import FraudBody

Measure = int | str | None


class Condition(NamedTuple):
    """One thing that has to be so."""

    what: str
    met: bool
    actual: Measure
    needs: str
    """`at least`, `at most`, `below`, or nothing where it is to be just so."""
    threshold: Measure
    document: str
    """`name@version`."""


def rules_of(decision: Plain, program: Program) -> Rules:
    """The documents that a decision names. Raises LookupError where a version is not known."""
    return Rules({name: program.version(name, version) for name, version in decision["rules"].items()})


def named(rules: Rules, document: str) -> str:
    """`fraud@2`; a document that is not in the programme has no version."""
    found = rules.documents.get(document)
    return f"{document} (not in the programme)" if found is None else f"{document}@{found.version}"


# -- a redemption


def of_redemption(decision: Plain, program: Program) -> list[Condition]:
    """Those of a `redemption.decided`, in the contract's order."""
    facts: RedemptionFacts = decision["evidence"]
    rules = rules_of(decision, program)
    against = {reason["code"]: reason for reason in redemption.decide(facts, rules).reasons}
    return list(_of_redemption(facts, rules, against))


def _of_redemption(facts: RedemptionFacts, rules: Rules, against: dict[str, ReasonFields]) -> Iterator[Condition]:
    reward, price = rules.reward(facts["reward_id"]), facts["points"]
    document = named(rules, f"reward/{facts['reward_id']}")
    cost = None if reward is None else reward.points
    state = "" if reward is None or reward.active else ", and it is not active"
    yield Condition(
        f"the reward is there, active, and costs what was asked{state}",
        "reward_unavailable" not in against,
        price,
        "",
        cost,
        document,
    )
    minimum = rules.redemption.min_points
    redeems = named(rules, "redemption")
    yield Condition(
        "at least the smallest redemption", "below_minimum" not in against, price, "at least", minimum, redeems
    )
    yield from _of_gate(facts, rules.fraud, named(rules, "fraud"))
    short = "insufficient_points" in against
    yield Condition("enough points available", not short, facts["available"], "at least", price, "request")


def _of_gate(facts: RedemptionFacts, fraud: FraudBody, document: str) -> Iterator[Condition]:
    found = [one.reason for one in gate.findings(facts, fraud)]
    codes = {reason["code"] for reason in found}
    said = [reason for reason in found if reason["code"] == "fraud_signal"]
    for at, live in enumerate(facts["signals"]):  # highest first, as the reasons are
        threshold = said[at]["threshold"] if at < len(said) else fraud.review_score
        what = f"no fraud signal that counts: {live['signal']}"
        yield Condition(what, at >= len(said), live["score"], "below", threshold, document)
    if not facts["signals"]:
        yield Condition("no live fraud signal", True, None, "below", fraud.review_score, document)
    for rule, count in zip(fraud.velocity, facts["requests"], strict=True):
        what = f"no more than {counted(rule.max_requests, 'request')} in {span(rule.window_minutes * MINUTE_MS)}"
        met = f"velocity:{rule.name}" not in codes
        yield Condition(f"{what} ({rule.name})", met, count, "at most", rule.max_requests, document)
    minutes = fraud.engagement_within_minutes
    if minutes is not None and fraud.no_engagement_outcome is not None:
        last = facts["last_engaged_at"]
        gap = None if last is None else max(0, (parse_time(facts["requested_at"]) - parse_time(last)) // MINUTE_MS)
        what = f"engaged within {span(minutes * MINUTE_MS)}{_only_watched(facts)}"
        yield Condition(what, "no_engagement" not in codes, gap, "at most", minutes, document)
    if fraud.unknown_device_outcome is not None:
        what = f"a known device{_only_watched(facts)}"
        yield Condition(what, "unknown_device" not in codes, facts["device"], "", "known", document)


def _only_watched(facts: RedemptionFacts) -> str:
    if facts["channel"] in gate.WATCHED_CHANNELS:
        return ""
    return f" (not asked of a request in the channel {facts['channel']})"


# -- a tier


def of_tier(latest: Plain, program: Program, tier: str, at: int) -> list[Condition]:
    """What stands between an account and a tier; `latest` is its latest decision at the moment `at` (ms).

    Raises LookupError where the programme has no such tier.
    """
    in_force = program.tiers(at)
    rules = Rules({"tiers": in_force})
    level = next((one for one in in_force.body.levels if one.tier == tier), None)
    if level is None:
        names = ", ".join(one.tier for one in in_force.body.levels)
        raise LookupError(f"tiers@{in_force.version} has no tier {tier}; it has {names}")
    balance = latest["balance"]
    held = balance["tier"] == tier
    change = tiers.decide_change(standing(latest), rules)
    reached = held or (change is not None and change.outcome == tier)
    return [
        Condition(
            f"qualifying points of the last {counted(in_force.body.window_days, 'day')}",
            reached or balance["qualifying"] >= level.threshold,
            balance["qualifying"],
            "at least",
            level.threshold,
            named(rules, "tiers"),
        ),
        Condition("holds the tier", held, balance["tier"], "", tier, named(rules, "tiers")),
    ]


def standing(latest: Plain, qualifying: int | None = None) -> TierFacts:
    """The facts of an account as its latest decision leaves it, or with other qualifying points."""
    balance = latest["balance"]
    return {
        "tier_before": balance["tier"],
        "qualifying_before": balance["qualifying"],
        "qualifying": balance["qualifying"] if qualifying is None else qualifying,
        "in_grace": latest["type"] == "tier.grace" and latest["outcome"] == "started",
        "because": "event",
    }


# -- an offer


def of_offer(decision: Plain, program: Program) -> list[Condition]:
    """Those of an `offer.decided`, in the contract's order; the campaign's dates, trigger and tiers were met, or there
    would be no decision."""
    facts: OfferFacts = decision["evidence"]
    rules = rules_of(decision, program)
    name = f"{CAMPAIGN}{facts['campaign_id']}"
    campaign, document = rules.campaign(facts["campaign_id"]), named(rules, name)
    limits = offers.limits_of(campaign)
    why = offers.decide(facts, limits).reasons[0]["code"]
    order = [offers.NO_CONSENT, offers.CAP_REACHED, offers.BUDGET_EXHAUSTED, offers.LOWER_PRIORITY]
    met = {code: code != why for code in order}
    agreed = {True: "yes", False: "no", None: "said nothing"}[facts["offers_agreed"]]
    within = counted(limits.window_days, "day")
    room = limits.budget_points - limits.bonus_points
    return [
        Condition("its dates, trigger and tiers fit", True, decision["evidence"].get("trigger"), "", None, document),
        Condition("the member agreed to offers", met[offers.NO_CONSENT], agreed, "", "yes", "loyalty.members"),
        Condition(
            f"offers of the campaign within {within}, this one apart",
            met[offers.CAP_REACHED],
            facts["in_window"],
            "at most",
            limits.max_per_member - 1,
            document,
        ),
        Condition(
            f"used of the budget, so that {points(limits.bonus_points)} are left",
            met[offers.BUDGET_EXHAUSTED],
            facts["used_points"],
            "at most",
            room,
            document,
        ),
        Condition(
            "no campaign of higher priority made its offer",
            met[offers.LOWER_PRIORITY],
            facts["made_instead"] or "none",
            "",
            "none",
            document,
        ),
    ]


def of_campaigns(offer_id: str, program: Program, at: int, tier: str) -> list[Condition]:
    """What a campaign asks for before it decides anything: for an offer about which nothing was decided."""
    found = []
    for document in program.names():
        in_force = program.in_force(document, at) if document.startswith(CAMPAIGN) else None
        if in_force is None or in_force.body.offer.offer_id != offer_id:
            continue
        body, name = in_force.body, f"{document}@{in_force.version}"
        active = body.active_from <= at < body.active_to
        found += [
            Condition("the campaign is active", active, None, "", None, name),
            Condition(
                "the account's tier is among its tiers",
                not body.tiers or tier in body.tiers,
                tier,
                "one of",
                ", ".join(body.tiers) or "all",
                name,
            ),
            Condition(
                "an engagement that triggers it",
                False,
                "none that led to a decision",
                "one of",
                ", ".join(body.triggers),
                name,
            ),
        ]
    return found
