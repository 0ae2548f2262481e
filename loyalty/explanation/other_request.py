"""What would have changed the decision on a redemption: for each reason the smallest change of one fact.

Each change is proven: `redemption.decide` is run on the changed facts, and once more on those of a change that is
smaller by one, which must not do. Where no change of one fact has it approved, all of them together are tried.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import copy
from typing import Any

from loyalty.explanation.conditions import rules_of
from loyalty.explanation.search import Change, fewer, more, none_found, smallest
from loyalty.program import InForce, Program
from loyalty.rules import gate, redemption
from loyalty.rules.case import Rules
from loyalty.rules.words import points, span
from loyalty.state.account import Account
from loyalty.state.codec import DictEntries
from loyalty.times import DAY_MS, MINUTE_MS, format_time, parse_time
from loyalty.wire.decisions import Plain, ReasonFields
from loyalty.wire.evidence import RedemptionFacts
from loyalty.wire.program import RewardBody

LATEST_MS = 35 * DAY_MS
"""A later request is looked for so far ahead: so long requests are remembered (contract §4, *Redemption*)."""
REWARD = "reward/"


def of_request(request: Request) -> list[Change]:
    """Each reason's change; and all of them together, where none alone has it approved."""
    found = list(request.changes())
    if request.outcome == "approved" or any(change.outcome == "approved" for change in found):
        return found
    together: list[Change] = []
    while request.outcome != "approved":
        first = next((one for one in request.changes() if one.facts is not None), None)
        if first is None or len(together) > len(found):
            return [*found, none_found("all", "no such changes together would have had it approved")]
        together.append(first)
        request = request.with_facts(first.facts)
    if len(together) > 1:
        found.append(Change("all", " and ".join(one.sentence for one in together), "approved", together[-1].facts))
    return found


class Request:
    """A request that was decided, and others like it."""

    def __init__(self, decision: Plain, program: Program, history: Iterable[Plain]) -> None:
        self._facts: RedemptionFacts = decision["evidence"]
        self._rules = rules_of(decision, program)
        self._program = program
        self._reasons: list[ReasonFields] = decision["reasons"]
        self._at = parse_time(self._facts["requested_at"])
        self._id = decision["decision_id"]
        self._others = [
            parse_time(one["evidence"]["requested_at"])
            for one in history
            if one["type"] == "redemption.decided" and one["decision_id"] != self._id
        ]

    @property
    def outcome(self) -> str:
        return redemption.decide(self._facts, self._rules).outcome

    def with_facts(self, facts: Any) -> Request:
        """The same request on other facts."""
        other = copy(self)
        other._facts = facts
        other._at = parse_time(facts["requested_at"])
        other._reasons = redemption.decide(facts, self._rules).reasons
        return other

    def changes(self) -> Iterator[Change]:
        signals = 0
        for reason in self._reasons:
            code = reason["code"]
            if code == "approved":
                yield self._fewer_available()
            elif code == "insufficient_points":
                yield self._more_available()
                yield from self._another_reward(code, dearest=True)
            elif code == "below_minimum":
                yield from self._another_reward(code, dearest=False) or [none_found(code, "no reward would have done")]
            elif code == "reward_unavailable":
                yield self._price()
            elif code == "fraud_signal":
                yield self._lower_score(signals)
                signals += 1
            elif code.startswith("velocity:"):
                yield from self._fewer_requests(code)
            elif code == "no_engagement":
                yield self._engaged()
            elif code == "unknown_device":
                known = self._facts | {"device": "known"}
                yield self._judged(code, "from a device that is known", known)

    def _judged(self, code: str, sentence: str, facts: Any, rules: Rules | None = None) -> Change:
        """What the pure function decides on the changed facts."""
        return Change(code, sentence, redemption.decide(facts, rules or self._rules).outcome, facts)

    def _has(self, code: str, facts: Any, rules: Rules | None = None) -> bool:
        return any(reason["code"] == code for reason in redemption.decide(facts, rules or self._rules).reasons)

    def _fewer_available(self) -> Change:
        available = self._facts["available"]
        found = smallest(
            lambda less: self._has("insufficient_points", self._facts | {"available": available - less}), available
        )
        if found is None:
            return none_found("approved", "no change of the points available would have undone it")
        facts = self._facts | {"available": available - found}
        return self._judged("approved", f"with {fewer(found, 'point')} available ({available - found:,})", facts)

    def _more_available(self) -> Change:
        available = self._facts["available"]
        found = smallest(
            lambda more: not self._has("insufficient_points", self._facts | {"available": available + more})
        )
        assert found is not None
        facts = self._facts | {"available": available + found}
        said = f"with {more(found, 'point')} available ({available + found:,})"
        return self._judged("insufficient_points", said, facts)

    def _another_reward(self, code: str, *, dearest: bool) -> list[Change]:
        """The reward nearest in price that would have taken the reason away."""
        found: list[tuple[int, str, Change]] = []
        for document in self._program.names():
            in_force = self._program.in_force(document, self._at) if document.startswith(REWARD) else None
            if in_force is None or not in_force.body.active:
                continue
            change = self._with_reward(code, document.removeprefix(REWARD), in_force)
            if change is not None:
                found.append((in_force.body.points, document, change))
        if not found:
            return []
        price, _, change = max(found) if dearest else min(found)
        return [change] if price != self._facts["points"] else []

    def _with_reward(self, code: str, reward_id: str, in_force: InForce[RewardBody]) -> Change | None:
        asked, price = self._facts["points"], in_force.body.points
        facts = self._facts | {"reward_id": reward_id, "points": price}
        rules = Rules({**self._rules.documents, f"{REWARD}{reward_id}": in_force})
        if self._has(code, facts, rules) or self._has("reward_unavailable", facts, rules):
            return None
        how = f"{points(abs(asked - price))} {'lower' if price < asked else 'higher'}"
        said = f"if the request had been {how}: reward {reward_id} for {price:,}"
        # Without its facts: another document decides, so it is not put together with other changes.
        return self._judged(code, said, facts, rules)._replace(facts=None)

    def _price(self) -> Change:
        reward = self._rules.reward(self._facts["reward_id"])
        if reward is None or not reward.active:
            return none_found(
                "reward_unavailable", "a reward that is not there, or not active, cannot be redeemed at any price"
            )
        facts = self._facts | {"points": reward.points}
        return self._judged("reward_unavailable", f"if it had asked for the reward's price of {reward.points:,}", facts)

    def _lower_score(self, at: int) -> Change:
        live = self._facts["signals"][at]

        def lowered(by: int) -> Any:
            signals = [*self._facts["signals"]]
            signals[at] = {"signal": live["signal"], "score": live["score"] - by}
            return self._facts | {"signals": signals}

        def count(facts: Any) -> int:
            return sum(one["code"] == "fraud_signal" for one in redemption.decide(facts, self._rules).reasons)

        found = smallest(lambda by: count(lowered(by)) < count(self._facts), live["score"])
        if found is None:
            return none_found("fraud_signal", f"no score of {live['signal']} is low enough")
        said = f"if {live['signal']} had scored {found:,} lower ({live['score'] - found})"
        return self._judged("fraud_signal", said, lowered(found))

    def _fewer_requests(self, code: str) -> Iterator[Change]:
        at = next(at for at, rule in enumerate(self._rules.fraud.velocity) if f"velocity:{rule.name}" == code)
        count = self._facts["requests"][at]

        def without(by: int) -> Any:
            requests = [*self._facts["requests"]]
            requests[at] = count - by
            return self._facts | {"requests": requests}

        found = smallest(lambda by: not self._has(code, without(by)), count)
        if found is not None:
            yield self._judged(code, f"with {fewer(found, 'request')} in that time ({count - found})", without(found))
        yield self._later(code)

    def _later(self, code: str) -> Change:
        """The same request, to the minute later, among the account's others."""
        account = Account("", DictEntries())
        for number, moment in enumerate(self._others):
            account.add_request(moment, number)

        def later(minutes: int) -> Any:
            at = self._at + minutes * MINUTE_MS
            others = gate.requests_in_windows(account, at, self._rules.fraud)
            return self._facts | {"requested_at": format_time(at), "requests": [count + 1 for count in others]}

        if not self._has(code, later(0)):
            return none_found(code, "not all requests that were counted are on record, so no later time can be tried")
        found = next((one for one in range(1, LATEST_MS // MINUTE_MS) if not self._has(code, later(one))), None)
        if found is None:
            return none_found(code, "no later time would have done")
        return self._judged(code, f"if the request had come {span(found * MINUTE_MS)} later", later(found))

    def _engaged(self) -> Change:
        code, last = "no_engagement", self._facts["last_engaged_at"]
        if last is None:
            facts = self._facts | {"last_engaged_at": self._facts["requested_at"]}
            return self._judged(code, "if the account had been engaged right before", facts)
        began = parse_time(last)

        def moved(minutes: int) -> Any:
            return self._facts | {"last_engaged_at": format_time(began + minutes * MINUTE_MS)}

        found = smallest(lambda minutes: not self._has(code, moved(minutes)), (self._at - began) // MINUTE_MS + 1)
        if found is None:
            return none_found(code, "no engagement before the request is late enough")
        said = f"if the last engagement had been {span(found * MINUTE_MS)} later"
        return self._judged(code, said, moved(found))
