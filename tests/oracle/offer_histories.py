"""Hypothesis strategies for engagements and the offers that come of them, alone or beside whole histories of accounts.

As in `histories`, all is drawn as plain data and written out without any further choice. Engagements come at the
moments at which something turns over: a campaign's first and last, a consent's, the end of a cap's window, and so many
days before a purchase that its offer is just open or just closed.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from hypothesis import strategies as st

from .histories import (
    BAD_BYTES,
    CHUNKS,
    DEVICES,
    KINDS,
    START,
    STEPS_MS,
    TIERS,
    Choices,
    Plain,
    Plan,
    Step,
    When,
    Writer,
    as_json,
    first_documents,
    later_version,
    plans,
)
from .wire import DAY_MS, HOUR_MS, MINUTE_MS, Record, parse_time, time_text

TRIGGERS = ("click", "open", "app_session", "store_visit", "campaign_interaction")


class LoopCase(NamedTuple):
    """What both jobs read. Among the `engagements` are reference records that come only then.

    `arrivals` say when the offers reach the decision job: how many 255ths of the transactions each comes behind the one
    before it, where all those at 0 come before the first transaction. Where the number is odd, the offer comes again.
    The `profiles`, and what erases them, come evenly spread among the transactions.
    """

    transactions: list[Record]
    reference: list[Record]
    engagements: list[Record]
    arrivals: list[int]
    profiles: list[Record]
    lag_ms: int

    def with_offers(self, offers: Sequence[Record]) -> tuple[list[Record], list[Record]]:
        """The reference and the transactions, with what the offers job wrote put where it arrives."""
        reference, transactions = list(self.reference), list(self.transactions)
        place = inserted = 0
        again = []
        for number, offer in enumerate(offers):
            share = self.arrivals[number % len(self.arrivals)] if self.arrivals else 0
            place += len(self.transactions) * share // 255
            if place == 0:
                reference.append(offer)
            else:
                transactions.insert(place + inserted, offer)
                inserted += 1
            if share % 2:
                again.append(offer)
        # Halfway through what is left, so that there may be purchases behind it.
        place = (place + inserted + len(transactions)) // 2
        transactions = [*transactions[:place], *again, *transactions[place:]]
        for number, profile in enumerate(self.profiles):
            transactions.insert((number + 1) * len(transactions) // (len(self.profiles) + 1), profile)
        return reference, transactions


class Consent(NamedTuple):
    """A member says yes or no at so many hours behind the start, `late` of them only among the engagements.

    Where it is `erased`, what the member has said so far is to be forgotten instead.
    """

    member: int
    hours: int
    offers: bool
    late: bool
    erased: bool


class Campaign(NamedTuple):
    """A version of a campaign, in force from so many hours behind the start."""

    number: int
    body: Plain
    hours: int
    replaces: bool
    late: bool


class Held(NamedTuple):
    """A decision of the ledger that says which tier an account holds."""

    account: int
    hours: int
    tier: str
    late: bool


class Engage(NamedTuple):
    """One engagement. `how` and `number` say when, `nudge` milliseconds off."""

    kind: str
    member: int
    trigger: str
    how: str
    number: int
    nudge: int
    pick: int


class OfferPlan(NamedTuple):
    """Everything that was drawn for the offers, beside the plan of the accounts."""

    members: int
    campaigns: list[Campaign]
    consents: list[Consent]
    held: list[Held]
    steps: list[Engage]
    arrivals: list[int]
    profiles: list[int]


# What is drawn


def campaign(choose: Choices, more: Choices) -> Plain:
    number = choose.upto(3)
    return {
        "active_from": time_text(START + choose.of([-10, -10, -10, 0, 1, 4]) * DAY_MS),
        "active_to": time_text(START + choose.of([60, 60, 60, 20, 9, 5]) * DAY_MS),
        "triggers": choose.of(
            [["click"], ["click"], ["click", "open"], list(TRIGGERS), list(TRIGGERS), ["open", "store_visit"]]
        ),
        "tiers": choose.of([[], [], [], [], ["basic"], ["basic", "silver"], ["silver", "gold"], ["gold"]]),
        "offer": {
            "offer_id": f"f{number}",
            "currency": more.of([None, None, "EUR", "EUR", "GBP"]),
            "bonus_points": more.of([5, 10, 20, 37, 0]),
            "min_amount": more.of([20, 10, 30, 40, 0, 60]),
            "valid_days": more.of([2, 1, 3, 7, 30, 0]),
        },
        "cap": {"max_per_member": more.of([2, 9, 1, 3, 9, 0]), "window_days": more.of([1, 2, 3, 7, 30])},
        "budget_points": more.of([1_000, 1_000, 1_000, 20, 40, 60, 5]),
        "priority": more.of([1, 2, 2, -1]),
    }


def campaign_version(chunks: Sequence[bytes], first: bool) -> Campaign:
    choose = Choices(chunks[0])
    number = choose.upto(2)
    hours = -30 * 24 if first else choose.upto(12 * 24 - 1)
    replaces, late = choose.of([False] * 7 + [True]), choose.of([False] * 6 + [True])
    return Campaign(number, campaign(Choices(chunks[1]), Choices(chunks[2])), hours, replaces, late)


def consent(choose: Choices) -> Consent:
    member, hours, offers, late = (
        choose.upto(5),
        choose.upto(14 * 24 - 1),
        choose.of([True, False]),
        choose.upto(2) == 2,
    )
    return Consent(member, hours, offers, late, choose.upto(3) == 3)


def held(choose: Choices) -> Held:
    return Held(choose.upto(2), choose.upto(14 * 24 - 1), choose.of(TIERS), choose.of([False, False, True]))


OFTEN_BOUGHT_AND_BROUGHT_BACK = (
    *KINDS,
    *["purchase"] * 30,
    *["request_online"] * 12,
    *["refund"] * 20,
    *["cancel"] * 20,
    *["adjust"] * 10,
)
"""What happens to accounts whose members are made offers: more that takes them up, and that undoes it."""

ENGAGE_KINDS = (
    *["engage"] * 30,
    *["resend"] * 3,
    *["resend_when_forgotten"] * 2,
    *["reuse_id"] * 2,
    "elsewhere",
    "bad_bytes",
    "bad_fields",
    "bad_key",
    "too_early",
)

HOWS = (*["purchase"] * 16, *["later"] * 10, *["snap"] * 6, *["earlier"] * 5)


def engage(choose: Choices) -> Engage:
    return Engage(
        kind=choose.of(ENGAGE_KINDS),
        member=choose.of([0, 0, 0, 1, 1, 2, 3]),
        trigger=choose.of([*["click"] * 6, "open", "open", "store_visit", "app_session", "campaign_interaction"]),
        how=choose.of(HOWS),
        number=choose.upto(15),
        nudge=choose.of([0, 0, -1, 1]),
        pick=choose.upto(63),
    )


@st.composite
def offer_plans(draw: st.DrawFn) -> OfferPlan:
    choose = Choices(draw(CHUNKS))
    three, at_least = st.tuples(CHUNKS, CHUNKS, CHUNKS), choose.of([2, 8, 15])
    return OfferPlan(
        members=choose.of([1, 2, 2]),
        campaigns=[campaign_version(one, first=True) for one in draw(st.lists(three, min_size=1, max_size=3))]
        + [campaign_version(one, first=False) for one in draw(st.lists(three, min_size=choose.upto(2), max_size=3))],
        consents=[consent(Choices(one)) for one in draw(st.lists(CHUNKS, min_size=choose.upto(3), max_size=5))],
        held=[held(Choices(one)) for one in draw(st.lists(CHUNKS, min_size=choose.upto(2), max_size=4))],
        steps=[engage(Choices(one)) for one in draw(st.lists(CHUNKS, min_size=at_least, max_size=25))],
        arrivals=[max(0, share - 200) for share in draw(CHUNKS)] if choose.of([False, True]) else [],
        profiles=[Choices(one).upto(5) for one in draw(st.lists(CHUNKS, min_size=1, max_size=3))],
    )


@st.composite
def quiet_plans(draw: st.DrawFn) -> Plan:
    """Accounts to which nothing happens: a programme, and members who agreed to offers at the start."""
    choose = Choices(draw(CHUNKS))
    documents = first_documents(draw(st.lists(CHUNKS, min_size=5, max_size=5)))
    versions = [later_version(pair) for pair in draw(st.lists(st.tuples(CHUNKS, CHUNKS), max_size=2))]
    return Plan(choose.of([1, 2, 3]), 1, 0, -30, 0, documents, versions, [], [], [], [], [])


def offer_histories() -> st.SearchStrategy[LoopCase]:
    """Engagements alone, with decisions of ledgers that say which tiers are held."""
    return st.builds(lambda plan, offers: OfferWriter(plan, offers).write(), quiet_plans(), offer_plans())


def loop_histories(allow_late: bool = False) -> st.SearchStrategy[LoopCase]:
    """Whole histories of accounts and their members' engagements; the ledger's decisions are for the jobs to make.

    `allow_late` as in `histories`: then there is one partition only.
    """

    def write(plan: Plan, offers: OfferPlan) -> LoopCase:
        plan = plan._replace(steps=[one for step in plan.steps for one in soon_brought_back(step)])
        return OfferWriter(plan, offers._replace(held=[]), allow_late).write()

    return st.builds(write, plans(1 if allow_late else None, OFTEN_BOUGHT_AND_BROUGHT_BACK), offer_plans())


def soon_brought_back(step: Step) -> list[Step]:
    """Most refunds and cancellations are of the last purchase, soon after it, and most refunds of all of it.

    Before some of them an adjustment takes what is available, so that a bonus that is taken back is owed.
    """
    if step.kind not in ("refund", "cancel") or step.flavour > 5:
        return [step]
    taken_away = step._replace(kind="adjust", size=7, flavour=0, when=When("later", 15 - step.when.number // 2, 0))
    when = When("later", step.when.number // 2, 0)
    brought_back = step._replace(pick=0, size=1 if step.size < 4 else step.size, when=when)
    return [taken_away, brought_back] if step.flavour > 2 else [brought_back]


# Writing it out


class OfferWriter:
    """Turns a plan of the accounts, and then one of the offers, into records. All choices are in the plans."""

    def __init__(self, plan: Plan, offers: OfferPlan, allow_late: bool = False) -> None:
        self.base = Writer(plan, allow_late)
        self.plan = offers
        self.members = [
            (sent.account_id, f"{sent.account_id}m{number}")
            for number in range(offers.members)
            for sent in self.base.accounts
        ]
        self.clock = START
        self.bodies: dict[str, list[Plain]] = {}
        self.purchases: dict[str, list[int]] = {}
        self.moments: set[int] = set()
        self.sent: list[Plain] = []
        self.late: list[Record] = []

    def write(self) -> LoopCase:
        case = self.base.write()
        for sent in self.base.accounts:
            for purchase in sent.purchases:
                self.purchases.setdefault(purchase["member_id"], []).append(parse_time(purchase["occurred_at"]) or 0)
        reference = [*case.reference, *self.write_reference()]
        engagements = [record for step in self.plan.steps for record in self.write_step(step)]
        for number, record in enumerate(self.late):
            engagements.insert((number + 1) * len(engagements) // (len(self.late) + 1), record)
        profiles = [self.write_profile(number) for number in self.plan.profiles]
        return LoopCase(case.transactions, reference, engagements, self.plan.arrivals, profiles, case.lag_ms)

    def write_profile(self, number: int) -> Record:
        """Of the one member of an account that has a profile from the start: forgotten, or with another device."""
        sent = self.base.account(number // 2)
        if number % 2:
            return self.base.profile(sent, DEVICES[1])
        return self.base.erasure(f"{sent.account_id}m0:profile")

    # Reference

    def write_reference(self) -> list[Record]:
        found: list[Record] = []

        def put(record: Record, late: bool) -> None:
            (self.late if late else found).append(record)

        newest = {"c0": 1}  # every history has a first version of it
        for version in self.plan.campaigns:
            name = f"c{version.number}"
            newest[name] = newest.get(name, 0) + (0 if version.replaces and newest.get(name) else 1)
            moment = START + version.hours * HOUR_MS
            self.bodies.setdefault(name, []).append(version.body)
            active = {parse_time(version.body[end]) or 0 for end in ("active_from", "active_to")}
            self.moments |= {moment, *active}
            put(self.base.document(f"campaign/{name}", newest[name], moment, version.body), version.late)
        # A member of whom nothing is known agrees to nothing, so most say yes before anything happens.
        for account_id, member_id in self.members[:5]:
            put(self.consent(account_id, member_id, START - 20 * DAY_MS, True), late=False)
        for one in self.plan.consents:
            account_id, member_id = self.members[one.member % len(self.members)]
            moment = START + one.hours * HOUR_MS
            self.moments.add(moment)
            said = self.consent(account_id, member_id, moment, one.offers)
            put(self.base.erasure(f"{member_id}:consent") if one.erased else said, one.late)
        in_order = sorted(self.plan.held, key=lambda one: one.late)
        for sequence, decision in enumerate(in_order, start=1):
            account_id, _ = self.members[decision.account % len(self.members)]
            moment = START + decision.hours * HOUR_MS
            self.moments.add(moment)
            put(self.ledger_decision(account_id, sequence, moment, decision.tier), decision.late)
        return found

    def consent(self, account_id: str, member_id: str, moment: int, offers: bool) -> Record:
        event = self.base.envelope("member.consent", moment)
        event.update(account_id=account_id, member_id=member_id, offers=offers, profiling=False)
        return self.base.record("loyalty.members", 0, moment, f"{member_id}:consent".encode(), as_json(event))

    def ledger_decision(self, account_id: str, sequence: int, moment: int, tier: str) -> Record:
        decision = {
            "decision_id": f"ledger-{account_id}-{sequence}",
            "stream": "ledger",
            "sequence": sequence,
            "type": "tier.changed",
            "outcome": tier,
            "account_id": account_id,
            "member_id": None,
            "subject": {},
            "occurred_at": time_text(moment),
            "decided_at": time_text(moment),
            "points": 0,
            "balance": {"pending": 3, "available": sequence, "held": 0, "debt": 0, "qualifying": 50, "tier": tier},
            "reasons": [{"code": "threshold_reached", "detail": "Reached.", "actual": 50, "threshold": 50}],
            "cause": {"event_id": "e", "topic": "loyalty.transactions", "partition": 0, "offset": 0},
            "rules": {"tiers": 1},
            "evidence": {},
        }
        return self.base.record("loyalty.decisions", 0, moment, account_id.encode(), as_json(decision))

    # Time

    def moment(self, step: Engage, member_id: str) -> int:
        offers = [body["offer"]["valid_days"] for bodies in self.bodies.values() for body in bodies]
        purchases = sorted(self.purchases.get(member_id, []))
        if step.how == "purchase" and purchases:
            bought_at = purchases[step.number % len(purchases)]
            before = (0, HOUR_MS, 1, offers[step.pick // 4 % len(offers)] * DAY_MS)[step.pick % 4]
            return bought_at - before + step.nudge
        moments = sorted(self.moments)
        if step.how == "snap" and moments:
            return moments[(step.number * 64 + step.pick) % len(moments)] + step.nudge
        if step.how == "earlier":
            return self.clock - step.number * 6 * HOUR_MS + step.nudge
        return self.clock + STEPS_MS[step.number]

    def note_moments(self, event: Plain, moment: int) -> None:
        for bodies in self.bodies.values():
            for body in bodies:
                self.moments.add(moment + body["cap"]["window_days"] * DAY_MS)
        self.sent.append(event)
        self.clock = max(self.clock, moment) if moment < self.clock + 20 * DAY_MS else self.clock

    # One step

    def write_step(self, step: Engage) -> list[Record]:
        account_id, member_id = self.members[step.member % len(self.members)]
        if step.kind == "bad_bytes":
            return [self.send(self.clock, member_id.encode(), BAD_BYTES[step.pick % len(BAD_BYTES)])]
        if step.kind == "resend" and self.sent:
            event = self.sent[-1 - step.pick % len(self.sent)]
            again = as_json(dict(reversed(event.items())))
            return [self.send(parse_time(event["occurred_at"]) or 0, event["member_id"].encode(), again)]
        moment = self.moment(step, member_id)
        if step.kind == "resend_when_forgotten" and self.sent:
            return self.resend_when_forgotten(step)
        event = self.engagement(step, moment, account_id, member_id)
        if step.pick % 5 == 0:
            event.update(campaign_id="c1", device_id=None, session_id="s", unknown={"x": 1.5})
        if step.kind == "elsewhere":
            event["account_id"] = self.members[(step.member + 1) % len(self.members)][0]
        key, timestamp = member_id.encode(), moment - (5 * MINUTE_MS if step.pick % 8 == 0 else 0)
        if step.kind == "bad_fields":
            name, bad = BAD_FIELDS[step.pick % len(BAD_FIELDS)]
            return [self.send(timestamp, key, as_json({**event, name: bad}))]
        if step.kind == "bad_key":
            wrong = (None, b"", account_id.encode(), key + b" ")[step.pick % 4]
            return [self.send(timestamp, wrong, as_json(event))]
        if step.kind == "too_early":
            return [self.send(moment - 5 * MINUTE_MS - 1, key, as_json(event))]
        if step.kind == "reuse_id" and self.sent:
            event["event_id"] = self.sent[-1 - step.pick % len(self.sent)]["event_id"]
        self.note_moments(event, moment)
        return [self.send(timestamp, key, as_json(event))]

    def resend_when_forgotten(self, step: Engage) -> list[Record]:
        """The same event again, behind one that takes the member's time to where it is forgotten, or just not yet."""
        first = self.sent[-1 - step.pick % len(self.sent)]
        moment = (parse_time(first["occurred_at"]) or 0) + 35 * DAY_MS + step.nudge
        event = self.engagement(step, moment, first["account_id"], first["member_id"])
        key = first["member_id"].encode()
        return [self.send(moment, key, as_json(event)), self.send(moment, key, as_json(first))]

    def engagement(self, step: Engage, moment: int, account_id: str, member_id: str) -> Plain:
        return {
            **self.base.envelope(step.trigger, moment),
            "account_id": account_id,
            "member_id": member_id,
            "channel": ("app", "email", "web")[step.pick % 3],
        }

    def send(self, timestamp: int, key: bytes | None, value: bytes | None) -> Record:
        return self.base.record("loyalty.engagements", 0, timestamp, key, value)


BAD_FIELDS: tuple[tuple[str, Any], ...] = (
    ("event_id", ""),
    ("schema_version", 2),
    ("type", "purchase"),
    ("type", None),
    ("account_id", None),
    ("member_id", ""),
    ("channel", ""),
    ("channel", 1),
    ("campaign_id", ""),
    ("device_id", 7),
    ("occurred_at", "2024-02-28T00:00:00Z"),
)


def written(decisions: Sequence[Plain], identify: Callable[[Plain], str] | None = None) -> list[Record]:
    """Decisions as they lie on their topic; `identify` gives the ids of those that have none."""
    records: list[Record] = []
    for decision in decisions:
        whole = {**decision, "decided_at": decision["occurred_at"]}
        if identify is not None:
            whole["decision_id"] = identify(decision)
        moment = parse_time(decision["occurred_at"]) or 0
        key = decision["account_id"].encode()
        records.append(Record("loyalty.decisions", 0, len(records), moment, key, json.dumps(whole).encode()))
    return records


def by_place_in_its_stream(decision: Plain) -> str:
    """An id for an oracle's decision, which has none."""
    whose = decision["member_id"] if decision["stream"] == "offers" else decision["account_id"]
    return f"{decision['stream']}-{whose}-{decision['sequence']}"
