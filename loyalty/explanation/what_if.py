"""What would have changed a decision: for each reason the smallest change of one fact, found by search and proven.

The pure decide functions prove it. Where no change of one fact helps, that is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from loyalty.explanation.conditions import rules_of, standing
from loyalty.explanation.other_request import Request, of_request
from loyalty.explanation.search import FARTHEST, Change, fewer, more, none_found, smallest
from loyalty.program import Program
from loyalty.rules import offers, tiers
from loyalty.rules.case import Rules
from loyalty.rules.words import points
from loyalty.wire.decisions import Plain


def changes(decision: Plain, program: Program, history: Iterable[Plain]) -> list[Change]:
    """For each reason of a decision the smallest change that takes it away. `history` is the account's ledger, for the
    other requests that velocity rules count. Raises LookupError where a document is not known."""
    kind = decision["type"]
    if kind == "redemption.decided":
        return of_request(Request(decision, program, history))
    if kind in ("tier.changed", "tier.grace"):
        return list(_of_tier(decision, rules_of(decision, program)))
    if kind == "offer.decided":
        return list(_of_offer(decision, rules_of(decision, program)))
    return []


def _of_tier(decision: Plain, rules: Rules) -> Iterator[Change]:
    decide = tiers.decide_change if decision["type"] == "tier.changed" else tiers.decide_grace
    facts, code = decision["evidence"], decision["reasons"][0]["code"]
    rose = code == "threshold_reached"

    def changed(by: int) -> Any:
        return facts | {"qualifying": facts["qualifying"] + (-by if rose else by)}

    def differs(by: int) -> bool:
        decided = decide(changed(by), rules)
        return decided is None or decided.outcome != decision["outcome"]

    found = smallest(differs, facts["qualifying"] if rose else FARTHEST)
    if found is None:
        yield none_found(code, "no other number of qualifying points would have changed it")
        return
    decided = decide(changed(found), rules)
    number = fewer(found, "qualifying point") if rose else more(found, "qualifying point")
    said = f"with {number} ({changed(found)['qualifying']:,})"
    yield Change(code, said, "no change" if decided is None else decided.outcome, changed(found))


def to_reach(latest: Plain, program: Program, tier: str, at: int) -> Change:
    """How many more qualifying points would bring an account to a tier at the moment `at` (ms)."""
    rules = Rules({"tiers": program.tiers(at)})
    has = latest["balance"]["qualifying"]

    def reached(more: int) -> bool:
        decided = tiers.decide_change(standing(latest, has + more), rules)
        levels = [level.tier for level in rules.tiers.levels]
        return decided is not None and levels.index(decided.outcome) >= levels.index(tier)

    found = smallest(reached)
    if found is None:
        return none_found(
            "threshold_reached", f"no number of qualifying points leads from {latest['balance']['tier']} to {tier}"
        )
    said = f"with {more(found, 'qualifying point')} ({has + found:,})"
    return Change("threshold_reached", said, tier, {**standing(latest, has + found)})


def _of_offer(decision: Plain, rules: Rules) -> Iterator[Change]:
    facts, code = decision["evidence"], decision["reasons"][0]["code"]
    limits = offers.limits_of(rules.campaign(facts["campaign_id"]))

    def judged(sentence: str, changed: Any) -> Change:
        return Change(code, sentence, offers.decide(changed, limits).outcome, changed)

    def with_less(field: str, said: Callable[[int], str], never: str) -> Change:
        def without(by: int) -> bool:
            why = offers.decide(facts | {field: facts[field] - by}, limits).reasons[0]
            return bool(why["code"] != code)

        found = smallest(without, facts[field])
        if found is None:
            return none_found(code, never)
        return judged(said(found), facts | {field: facts[field] - found})

    if code == offers.NO_CONSENT:
        yield judged("if the member had agreed to offers", facts | {"offers_agreed": True})
    elif code == offers.CAP_REACHED:
        never = "the campaign allows no offer at all"
        yield with_less("in_window", lambda found: f"with {fewer(found, 'offer')} in that time", never)
    elif code == offers.BUDGET_EXHAUSTED:
        never = "the budget is smaller than one offer"
        yield with_less("used_points", lambda found: f"if {points(found)} less of the budget had been used", never)
    elif code == offers.LOWER_PRIORITY:
        said = f"if campaign {facts['made_instead']} had not made its offer"
        yield judged(said, facts | {"made_instead": None})
    else:
        yield judged("if the member had not agreed to offers", facts | {"offers_agreed": False})
