"""Hypothesis strategies for whole histories: a small programme, a few accounts, and what happens to them.

A history is drawn as plain data (a `Plan` of numbers and `Step`s) and then written out as records without any further
choice, so that Hypothesis shrinks the plan. Moments snap to where the contract's rules turn over: exactly there, a
millisecond before, or one behind.
"""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from hypothesis import strategies as st

from .wire import DAY_MS, HOUR_MS, MINUTE_MS, Record, parse_time, time_text

Plain = dict[str, Any]
T = TypeVar("T")

DEVICES = tuple(f"Ada's device {number}" for number in range(10))
START = parse_time("2024-02-27T00:00:00.000Z") or 0  # two days before a leap day
TIERS = ("basic", "silver", "gold")
CAMPAIGN: Plain = {
    "active_from": "2024-03-01T00:00:00.000Z",
    "active_to": "2024-04-01T00:00:00.000Z",
    "triggers": ["click"],
    "tiers": [],
    "offer": {"offer_id": "f0", "bonus_points": 5, "min_amount": 10, "valid_days": 2},
    "cap": {"max_per_member": 1, "window_days": 7},
    "budget_points": 100,
    "priority": 1,
}
"""No campaign counts for the decision job; a sound document must be taken and make no difference."""


class Case(NamedTuple):
    """All that `decide_all` is given; transactions in partition order, `lag_ms` the watermark's lag."""

    transactions: list[Record]
    reference: list[Record]
    lag_ms: int


class When(NamedTuple):
    """When a step happens: `how` says what `number` counts; `nudge` milliseconds off an interesting moment."""

    how: str
    number: int
    nudge: int


class Step(NamedTuple):
    """One record: `pick` chooses an earlier thing to refer to, `size` and `flavour` choose among variants."""

    kind: str
    account: int
    pick: int
    size: int
    flavour: int
    when: When


class Version(NamedTuple):
    """A later version of a programme document, in force from so many `days` and `nudge` ms behind the start."""

    document: str
    body: Plain
    days: int
    nudge: int
    replaces: bool


class Fact(NamedTuple):
    """A fraud signal, or what an account was engaged in, for one account; hours count from the start."""

    account: int
    number: int
    hours: int
    length: int


class Plan(NamedTuple):
    """Everything that was drawn."""

    accounts: int
    partitions: int
    lag_ms: int
    programme_days: int
    closing_days: int
    documents: dict[str, Plain]
    versions: list[Version]
    signals: list[Fact]
    contexts: list[Fact]
    members: list[Fact]
    bad_reference: list[int]
    steps: list[Step]


class Choices:
    """Choices read off drawn bytes, one each: these are drawn evenly, and shrink towards the first options.

    (Drawing each number by a strategy of its own gives histories of five events: Hypothesis prefers small parts.)
    """

    def __init__(self, drawn: bytes) -> None:
        self.left = iter(drawn)

    def of(self, options: Sequence[T]) -> T:
        return options[next(self.left) * len(options) // 256]

    def upto(self, most: int) -> int:
        return self.of(range(most + 1))


CHUNKS = st.binary(min_size=8, max_size=8)
"""All is drawn in chunks of one size: Hypothesis likes to put one in another's place, which must fit."""


# The programme, in small numbers


def earning(choose: Choices) -> Plain:
    return {
        "currencies": choose.of(
            [
                {"EUR": {"points": 1, "per_minor": 1}, "GBP": {"points": 3, "per_minor": 2}},
                {"EUR": {"points": 1, "per_minor": 3}, "GBP": {"points": 2, "per_minor": 7}},
            ]
        ),
        "category_bp": choose.of(
            [{"gift": 0}, {}, {"food": 15_000, "gift": 0}, {"food": 3_333, "other": 0}, {"food": 0, "other": 20_000}]
        ),
        "pending_days": choose.of([0, 0, 1, 1, 2, 3]),
        "expiry_days": choose.of([None, None, *range(1, 21), 1, 2, 3, 4, 5, 6]),
        "refund_days": choose.of(range(1, 11)),
    }


def tiers(choose: Choices) -> Plain:
    silver = choose.of([10, 20, 50])
    thresholds = (0, silver, silver + choose.of([10, 30, 50]))
    rates = (10_000, 10_000 + choose.of([0, 2_500, 3_333]), 15_000)
    return {
        "window_days": choose.of([1, 2, 3, 5, 7, 12, 20, 30]),
        "levels": [
            {"tier": tier, "threshold": threshold, "earn_bp": earn_bp}
            for tier, threshold, earn_bp in zip(TIERS, thresholds, rates, strict=True)
        ],
        "grace_days": choose.of([0, 1, 2, 3]),
    }


def redemption(choose: Choices) -> Plain:
    return {
        "min_points": choose.of([1, 5, 1, 6, 10]),
        "hold_minutes": choose.of([30, 1, 24 * 60, 72 * 60, 7 * 24 * 60]),
        "review_hold_minutes": choose.of([10, 60, 48 * 60]),
        "cancel_days": choose.of([1, 2, 5, 10, 20]),
        "negative_balance": choose.of(["debt", "floor"]),
    }


def fraud(choose: Choices) -> Plain:
    at_most, minutes = choose.of([1, 1, 2, 3]), choose.of([10, 60, 24 * 60, 5 * 24 * 60, 40 * 24 * 60])
    outcomes = choose.of([[], ["review"], ["review"], ["deny"], ["review", "review"], ["review", "deny"]])
    return {
        "deny_score": choose.of([80, 90]),
        "review_score": choose.of([50, 80]),
        "velocity": [
            {"name": f"v{at}", "max_requests": at_most + at, "window_minutes": minutes * (at + 1), "outcome": outcome}
            for at, outcome in enumerate(outcomes)
        ],
        "engagement_within_minutes": choose.of([None, None, None, 60, 24 * 60]),
        "no_engagement_outcome": choose.of(["review", "review", "deny"]),
        "unknown_device_outcome": choose.of([None, "review", None, "review", "deny", "review"]),
    }


def partner(choose: Choices) -> Plain:
    return {"earn_bp": choose.of([10_000, 0, 5_000, 12_345, 20_000]), "active": choose.of([True, True, True, False])}


def reward(choose: Choices) -> Plain:
    return {"points": choose.of([10, 5, 20]), "active": choose.of([True, True, True, False])}


def first_documents(chunks: Sequence[bytes]) -> dict[str, Plain]:
    return {
        "earning": earning(Choices(chunks[0])),
        "tiers": tiers(Choices(chunks[1])),
        "redemption": redemption(Choices(chunks[2])),
        "fraud": fraud(Choices(chunks[3])),
        "partner/p0": partner(Choices(chunks[4])),
        "partner/p1": {"earn_bp": 20_000, "active": False},
        "reward/r0": {"points": 5, "active": True},
        "reward/r1": {"points": 10, "active": True},
        "reward/r2": {"points": 20, "active": True},
        "reward/r3": {"points": 10, "active": False},
    }


def later_version(chunks: Sequence[bytes]) -> Version:
    choose = Choices(chunks[0])
    kinds: tuple[tuple[str, Callable[[Choices], Plain]], ...] = (
        *[("tiers", tiers)] * 5,
        ("earning", earning),
        ("redemption", redemption),
        ("fraud", fraud),
        ("partner/p0", partner),
        ("reward/r1", reward),
    )
    name, body = choose.of(kinds)
    days, nudge, replaces = choose.upto(9), choose.of([0, 0, -1, 1, HOUR_MS]), choose.of([False, False, False, True])
    return Version(name, body(Choices(chunks[1])), days, nudge, replaces)


# What happens

KINDS = (
    *["purchase"] * 10,
    *["request"] * 10,
    *["refund"] * 6,
    *["adjust"] * 4,
    *["grant"] * 6,
    *["commit"] * 7,
    *["cancel_redemption"] * 6,
    *["cancel"] * 2,
    *["refund_first"] * 3,
    *["awaited_purchase"] * 4,
    "cancel_first",
    *["owe_while_held"] * 6,
    *["notice_out_of_order"] * 3,
    "request_when_forgotten",
    *["purchase_again"] * 2,
    *["request_again"] * 2,
    *["request_online"] * 2,
    "stray_commit",
    "stray_cancel",
    *["resend"] * 2,
    *["reuse_id"] * 2,
    "bad_bytes",
    "bad_fields",
    "bad_key",
    "too_early",
)

STEPS_MS = (
    0,
    1,
    *[MINUTE_MS] * 4,
    *[10 * MINUTE_MS] * 3,
    *[HOUR_MS] * 3,
    *[6 * HOUR_MS] * 2,
    DAY_MS,
    2 * DAY_MS,
)

HOWS = (*["later"] * 20, *["snap"] * 15, *["earlier"] * 14, *["days"] * 3, "memory")


def step(choose: Choices, kinds: Sequence[str]) -> Step:
    return Step(
        kind=choose.of(kinds),
        account=choose.of([0, 0, 0, 0, 1, 2]),
        pick=choose.upto(5),
        size=choose.upto(7),
        flavour=choose.upto(7),
        when=When(choose.of(HOWS), choose.upto(15), choose.of([0, 0, -1, 1])),
    )


def fact(choose: Choices) -> Fact:
    return Fact(choose.upto(2), choose.upto(7), choose.upto(14 * 24 - 1), choose.of([24 * 9, 24, 1]))


@st.composite
def plans(draw: st.DrawFn, partitions: int | None = None, kinds: Sequence[str] = KINDS) -> Plan:
    choose = Choices(draw(CHUNKS))
    at_least = draw(st.sampled_from([3, 15, 30, 45]))
    return Plan(
        accounts=choose.of([1, 2, 3]),
        partitions=choose.of([1, 2, 3]) if partitions is None else partitions,
        lag_ms=choose.of([10 * MINUTE_MS, 0, HOUR_MS, DAY_MS, 3 * DAY_MS]),
        programme_days=choose.of([-30, -30, -30, -30, -30, -1, 0, 1]),
        closing_days=choose.of([0, 0, 2, 10, 40]),
        documents=first_documents(draw(st.lists(CHUNKS, min_size=5, max_size=5))),
        versions=[
            later_version(pair)
            for pair in draw(st.lists(st.tuples(CHUNKS, CHUNKS), min_size=choose.upto(3), max_size=4))
        ],
        signals=[fact(Choices(one)) for one in draw(st.lists(CHUNKS, min_size=choose.upto(4), max_size=6))],
        contexts=[fact(Choices(one)) for one in draw(st.lists(CHUNKS, min_size=choose.upto(2), max_size=3))],
        members=[fact(Choices(one)) for one in draw(st.lists(CHUNKS, min_size=1, max_size=2))],
        bad_reference=[Choices(one).upto(11) for one in draw(st.lists(CHUNKS, max_size=1))],
        steps=[step(Choices(one), kinds) for one in draw(st.lists(CHUNKS, min_size=at_least, max_size=60))],
    )


def owing_while_held(step: Step) -> list[Step]:
    """Points are held, more than the rest is taken away, and then the hold ends in one way or another."""
    whose = step._replace(pick=0, flavour=0)
    soon = [When("later", (step.when.number + number) % 6, 0) for number in range(5)]
    found = []
    if step.flavour > 5:
        found.append(whose._replace(kind="take_away", size=7, when=soon[0]))
    if step.flavour < 3:
        found.append(whose._replace(kind="purchase", size=step.size % 4, when=soon[0]))
    else:
        found.append(whose._replace(kind="grant", when=soon[0]))
    for number in range(1 + step.flavour % 2):
        found.append(whose._replace(kind="request", size=1 + (step.size + number) % 2, when=soon[1]))
    if step.flavour < 3:
        found.append(whose._replace(kind="cancel", when=soon[2]))
    if step.size > 1 or step.flavour > 2:
        found.append(whose._replace(kind="take_away", size=step.pick, flavour=7 * (step.size % 2), when=soon[3]))
    endings = (
        ("commit",),
        ("cancel_redemption",),
        (),
        ("commit", "cancel_redemption"),
        ("cancel_redemption", "commit"),
        ("commit", "commit"),
    )
    for number, ending in enumerate(endings[step.pick]):
        # Flavour 5 cancels a request, not a commit; the second ending is that of the request before the last.
        found.append(whose._replace(kind=ending, pick=3 * (number % 2), flavour=5, when=soon[4]))
    return found


def noticed_out_of_order(step: Step) -> list[Step]:
    """A refused event takes the account's time beyond a change of rules, which one from before that then notices."""
    refused = step._replace(kind="stray_commit", when=When("change", step.when.number, step.when.nudge))
    return [refused, step._replace(kind="grant", flavour=7, when=When("earlier", 1 + step.pick, 0))]


SCENES: dict[str, Callable[[Step], list[Step]]] = {
    "owe_while_held": owing_while_held,
    "notice_out_of_order": noticed_out_of_order,
}
"""Steps that stand for several, one after the other."""


def histories(allow_late: bool = False, partitions: int | None = None) -> st.SearchStrategy[Case]:
    """Whole histories. `allow_late`: also events further than the lag behind the latest of their partition.

    With late events the decisions depend on how far the watermark was, so ask for `partitions=1` with them.
    """
    return plans(partitions).map(lambda plan: Writer(plan, allow_late).write())


# Writing it out

SIGNAL_SCORES = (30, 49, 50, 79, 80, 89, 90, 100)


@dataclass
class Sent:
    """What has been sent of one account, to be referred to later."""

    account_id: str
    partition: int
    events: list[Plain] = field(default_factory=list)
    purchases: list[Plain] = field(default_factory=list)
    requests: list[Plain] = field(default_factory=list)
    commits: list[Plain] = field(default_factory=list)
    awaited: list[str] = field(default_factory=list)
    moments: set[int] = field(default_factory=set)


class Writer:
    """Turns a plan into records. All choices are in the plan."""

    def __init__(self, plan: Plan, allow_late: bool) -> None:
        self.plan = plan
        self.allow_late = allow_late
        self.offsets: Counter[tuple[str, int]] = Counter()
        self.names: Counter[str] = Counter()
        self.clocks: dict[int, int] = {}
        self.transactions: list[Record] = []
        self.accounts = [Sent(f"a{at}", at % plan.partitions) for at in range(plan.accounts)]
        self.bodies: dict[str, list[Plain]] = {name: [body] for name, body in plan.documents.items()}
        self.changes: list[int] = [START + plan.programme_days * DAY_MS]

    def write(self) -> Case:
        reference = self.write_reference()
        for step in self.plan.steps:
            for one in SCENES[step.kind](step) if step.kind in SCENES else [step]:
                self.write_step(self.account(one.account), one)
        if self.plan.closing_days:
            for partition in range(self.plan.partitions):
                self.close(partition)
        return Case(self.transactions, reference, self.plan.lag_ms)

    def account(self, number: int) -> Sent:
        return self.accounts[number % len(self.accounts)]

    def name(self, prefix: str) -> str:
        self.names[prefix] += 1
        return f"{prefix}{self.names[prefix]}"

    def record(self, topic: str, partition: int, moment: int, key: bytes | None, value: bytes | None) -> Record:
        offset = self.offsets[topic, partition]
        self.offsets[topic, partition] += 1
        return Record(topic, partition, offset, moment, key, value)

    # Reference

    def write_reference(self) -> list[Record]:
        plan = self.plan
        records = []
        for name, body in plan.documents.items():
            records.append(self.document(name, 1, self.changes[0], body))
        newest = dict.fromkeys(plan.documents, 1)
        for version in plan.versions:
            newest[version.document] += 0 if version.replaces and newest[version.document] > 1 else 1
            moment = START + version.days * DAY_MS + version.nudge
            self.bodies[version.document].append(version.body)
            self.changes.append(moment)
            records.append(self.document(version.document, newest[version.document], moment, version.body))
        records.append(self.document("campaign/c0", 1, START, CAMPAIGN))
        for sent in self.accounts:
            records += self.members(sent)
        records += [record for fact in plan.members for record in self.later_of_members(fact)]
        records += [self.signal(fact) for fact in plan.signals]
        records += [self.context(fact) for fact in plan.contexts]
        records += [self.bad_reference(number) for number in plan.bad_reference]
        return records

    def envelope(self, kind: str, moment: int) -> Plain:
        return {
            "event_id": self.name("e"),
            "type": kind,
            "schema_version": 1,
            "source": "plan",
            "occurred_at": time_text(moment),
        }

    def document(self, name: str, version: int, moment: int, body: Plain) -> Record:
        event = self.envelope("program.document", START - DAY_MS)
        event.update(document=name, version=version, effective_from=time_text(moment), body=body)
        return self.record("loyalty.program", 0, START, f"{name}@{version}".encode(), as_json(event))

    def members(self, sent: Sent) -> list[Record]:
        member_id = f"{sent.account_id}m0"
        consent = self.envelope("member.consent", START)
        consent.update(account_id=sent.account_id, member_id=member_id, offers=True, profiling=False)
        return [
            self.profile(sent, DEVICES[0]),
            self.record("loyalty.members", 0, START, f"{member_id}:consent".encode(), as_json(consent)),
        ]

    def profile(self, sent: Sent, *devices: str) -> Record:
        event = self.envelope("member.profile", START)
        member_id = f"{sent.account_id}m0"
        event.update(account_id=sent.account_id, member_id=member_id, joined_at=time_text(START))
        event.update(name=f"Ada of {sent.account_id}", birth_date="1815-12-10", known_devices=devices)
        return self.record("loyalty.members", 0, START, f"{member_id}:profile".encode(), as_json(event))

    def erasure(self, key: str) -> Record:
        return self.record("loyalty.members", 0, START, key.encode(), None)

    def later_of_members(self, fact: Fact) -> list[Record]:
        """The profile forgotten, another in its place, or what names or holds nothing of the kind."""
        sent = self.account(fact.account)
        member_id = f"{sent.account_id}m0"
        forgotten = self.erasure(f"{member_id}:profile")
        return [
            [forgotten],
            [forgotten],
            [forgotten],
            [self.profile(sent, DEVICES[1])],
            [forgotten, self.profile(sent, *DEVICES[1:3])],
            [self.erasure(f"{member_id}:consent"), self.erasure(f"{sent.account_id}m1:profile")],
            [self.erasure(member_id), self.record("loyalty.members", 0, START, None, None)],
            [self.record("loyalty.members", 0, START, f"{member_id}:profile".encode(), b"")],
        ][fact.number]

    def signal(self, fact: Fact) -> Record:
        starts = START + fact.hours * HOUR_MS
        sent = self.account(fact.account)
        event = self.envelope("fraud.signal", starts)
        event.update(
            account_id=sent.account_id,
            signal=f"s{fact.hours % 2}",
            score=SIGNAL_SCORES[fact.number],
            expires_at=time_text(starts + fact.length * HOUR_MS),
        )
        sent.moments |= {starts, starts + fact.length * HOUR_MS}
        return self.record("loyalty.fraud-signals", 0, START, sent.account_id.encode(), as_json(event))

    def context(self, fact: Fact) -> Record:
        sent = self.account(fact.account)
        engaged = START + fact.hours * HOUR_MS
        for body in self.bodies["fraud"]:
            if body["engagement_within_minutes"] is not None:
                sent.moments.add(engaged + body["engagement_within_minutes"] * MINUTE_MS)
        devices = {device: time_text(engaged) for device in DEVICES[: fact.number]}
        context = {"account_id": sent.account_id, "last_engaged_at": time_text(engaged), "devices": devices}
        key = sent.account_id.encode()
        return self.record("loyalty.engagement-context", 0, START, key, as_json(context))

    def bad_reference(self, number: int) -> Record:
        topics = ("loyalty.members", "loyalty.program", "loyalty.fraud-signals", "loyalty.engagement-context")
        key, good = (
            (b"a0m0:profile", {**self.envelope("member.profile", START), "account_id": "a0", "member_id": "a0m0"}),
            (b"earning@9", {**self.envelope("program.document", START), "document": "earning", "version": 9}),
            (b"a0", {**self.envelope("fraud.signal", START), "account_id": "a0", "signal": "s0", "score": 100}),
            (b"a0", {"account_id": "a0", "devices": {}}),
        )[number % 4]
        rest: Plain = (
            {"joined_at": time_text(START), "known_devices": [DEVICES[1]]},
            {"effective_from": time_text(START), "body": self.bodies["earning"][0]},
            {"expires_at": time_text(START + 90 * DAY_MS)},
            {"last_engaged_at": time_text(START)},
        )[number % 4]
        if number < 4:
            return self.record(topics[number % 4], 0, START, key, (None, b"", b"{", b"\xff\xfe")[number])
        if number < 8:
            return self.record(topics[number % 4], 0, START, key, as_json(good))  # a field is missing
        return self.record(topics[number % 4], 0, START, b"someone else", as_json({**good, **rest}))

    # Time

    def moment(self, sent: Sent, when: When) -> int:
        """The moment of a step, never behind the lag unless late events are wanted."""
        clock = self.clocks.get(sent.partition, START)
        earliest = clock - self.plan.lag_ms
        if when.how == "earlier":
            moment = clock - self.plan.lag_ms * when.number // 15 + when.nudge
            if self.allow_late and when.number in (4, 9):
                return moment - 2 * self.plan.lag_ms - when.number * DAY_MS
            return max(earliest, moment)
        moments = sorted(moment for moment in {*sent.moments, *self.changes} if moment + when.nudge >= earliest)
        if when.how == "memory":
            remembered = sorted(parse_time(event["occurred_at"]) or 0 for event in sent.events[-4:])
            moments = [moment + 35 * DAY_MS for moment in remembered]
        if when.how == "memory_of_request":
            asked = parse_time(sent.requests[-1 - when.number % len(sent.requests)]["occurred_at"]) or 0
            return max(earliest, asked + 35 * DAY_MS + when.nudge)
        if when.how == "change":
            to_come = [change for change in self.changes if change > clock] or [clock]
            return min(to_come) + STEPS_MS[when.number] + max(0, when.nudge)
        if when.how == "days":
            return clock + when.number * 12 * HOUR_MS
        if when.how == "later" or not moments:
            return clock + STEPS_MS[when.number]
        return max(earliest, moments[min(when.number // 4, len(moments) - 1)] + when.nudge)

    def note_moments(self, sent: Sent, event: Plain, moment: int) -> None:
        """Where the rules turn over for this event, by any version of the documents."""
        kind = event["type"]
        if kind in ("purchase", "adjustment"):
            for body in self.bodies["earning"]:
                for days in (body["pending_days"], body["expiry_days"], body["refund_days"]):
                    sent.moments.add(moment + (days or 0) * DAY_MS)
            for body in self.bodies["tiers"]:
                slid = moment + body["window_days"] * DAY_MS
                sent.moments |= {slid, slid + body["grace_days"] * DAY_MS}
        if kind in ("refund", "cancellation"):
            sent.moments.add(moment + DAY_MS)
        if kind == "redemption.requested":
            for body in self.bodies["redemption"]:
                sent.moments.add(moment + body["hold_minutes"] * MINUTE_MS)
                sent.moments.add(moment + body["review_hold_minutes"] * MINUTE_MS)
                sent.moments.add(moment + body["cancel_days"] * DAY_MS)
            for body in self.bodies["fraud"]:
                sent.moments |= {moment + rule["window_minutes"] * MINUTE_MS for rule in body["velocity"]}

    # One step

    def write_step(self, sent: Sent, step: Step) -> None:
        if step.kind == "resend":
            self.resend(sent, step)
            return
        if step.kind == "bad_bytes":
            value = BAD_BYTES[(step.size * 8 + step.flavour) % len(BAD_BYTES)]
            self.send_bytes(sent, self.clocks.get(sent.partition, START), sent.account_id.encode(), value)
            return
        when = step.when
        if step.kind == "commit" and step.flavour < 6:  # soon enough to find the hold
            when = When("later", when.number // 2, 0)
        if step.kind == "request_when_forgotten" and sent.requests:
            when = When("memory_of_request", when.number % 2, when.nudge)
        moment = self.moment(sent, when)
        event = self.event(sent, step, moment)
        timestamp = moment - 5 * MINUTE_MS if step.flavour == 0 else moment
        key = sent.account_id.encode()
        if step.kind == "bad_fields":
            name, bad = BAD_FIELDS[(step.size * 8 + step.flavour) % len(BAD_FIELDS)]
            event[name] = bad
        elif step.kind == "bad_key":
            self.send_bytes(
                sent, timestamp, (None, b"", b"a9", key + b" ", b"a" * 1_025)[step.pick % 5], as_json(event)
            )
            return
        elif step.kind == "too_early":
            timestamp = moment - 5 * MINUTE_MS - 1
        elif step.kind == "reuse_id" and sent.events:
            event["event_id"] = sent.events[-1 - step.pick % len(sent.events)]["event_id"]
        if step.kind not in ("bad_fields", "too_early"):
            self.keep(sent, event, moment)
        self.send_bytes(sent, timestamp, key, as_json(event))

    def keep(self, sent: Sent, event: Plain, moment: int) -> None:
        """Takes note of a sound event."""
        sent.events.append(event)
        if event["type"] == "purchase":
            sent.purchases.append(event)
        if event["type"] == "redemption.requested":
            sent.requests.append(event)
        if event["type"] == "redemption.committed":
            sent.commits.append(event)
        self.note_moments(sent, event, moment)
        self.clocks[sent.partition] = max(moment, self.clocks.get(sent.partition, moment))

    def send_bytes(self, sent: Sent, timestamp: int, key: bytes | None, value: bytes | None) -> None:
        self.transactions.append(self.record("loyalty.transactions", sent.partition, timestamp, key, value))

    def resend(self, sent: Sent, step: Step) -> None:
        """The same event again, its fields in another order. Beyond the lag only what is sure to be a duplicate."""
        clock = self.clocks.get(sent.partition, START)
        ids = Counter(event["event_id"] for event in sent.events)
        fitting = []
        for event in sent.events:
            moment = parse_time(event["occurred_at"]) or 0
            was_used = (
                event["type"] == "adjustment"
                and ids[event["event_id"]] == 1
                and moment >= max(self.changes[:1])
                and clock < moment + 35 * DAY_MS
            )
            if self.allow_late or was_used or moment >= clock - self.plan.lag_ms:
                fitting.append(event)
        if fitting:
            event = fitting[-1 - step.pick % len(fitting)]
            again = as_json(dict(reversed(event.items()))).replace(b"1.5", SAME_OR_OTHER_NUMBERS[step.flavour // 2])
            self.send_bytes(sent, parse_time(event["occurred_at"]) or 0, sent.account_id.encode(), again)

    def close(self, partition: int) -> None:
        """A last event of another account takes the watermark on, so that quiet accounts come to what is due."""
        moment = self.clocks.get(partition, START) + self.plan.lag_ms + self.plan.closing_days * DAY_MS
        sent = Sent(f"z{partition}", partition)
        event = self.transaction(sent, "adjustment", moment, points=1, reason="end", operator="op", qualifying=False)
        self.send_bytes(sent, moment, sent.account_id.encode(), as_json(event))

    # Events

    def transaction(self, sent: Sent, kind: str, moment: int, **fields: Any) -> Plain:
        return {**self.envelope(kind, moment), "account_id": sent.account_id, **fields}

    def event(self, sent: Sent, step: Step, moment: int) -> Plain:
        kind = step.kind
        if kind in ("commit", "cancel_redemption") and not sent.requests:
            kind = "grant"
        if kind in ("refund", "cancel") and sent.purchases:
            purchase = sent.purchases[-1 - step.pick // 2 % len(sent.purchases)]
            return self.taking_back(sent, step, moment, purchase["order_id"], purchase["lines"])
        if kind in ("refund_first", "cancel_first"):
            order_id = self.name("o")
            sent.awaited.append(order_id)
            return self.taking_back(sent, step, moment, order_id, [{"line_id": "l0", "quantity": 1}])
        if kind in ("adjust", "grant", "take_away"):
            return self.adjustment(sent, step, moment)
        if kind.startswith("request"):
            return self.request(sent, step, moment)
        if kind in ("commit", "cancel_redemption", "stray_commit", "stray_cancel"):
            verb = "committed" if "commit" in kind else "cancelled"
            redemption_id = "r-unknown"
            if kind == "cancel_redemption" and step.flavour < 5 and sent.commits:
                redemption_id = sent.commits[-1 - step.pick // 2 % len(sent.commits)]["redemption_id"]
            elif sent.requests and "stray" not in kind:
                redemption_id = sent.requests[-1 - step.pick // 3 % len(sent.requests)]["redemption_id"]
            return self.transaction(sent, f"redemption.{verb}", moment, redemption_id=redemption_id)
        return self.purchase(sent, step, moment)

    def purchase(self, sent: Sent, step: Step, moment: int) -> Plain:
        order_id = None
        if step.kind == "awaited_purchase" and sent.awaited:
            order_id = sent.awaited[-1 - step.pick // 2 % len(sent.awaited)]
        if step.kind == "purchase_again" and sent.purchases:
            order_id = sent.purchases[-1 - step.pick % len(sent.purchases)]["order_id"]
        lines = [
            {
                "line_id": f"l{at}",
                "sku": "sku",
                "category": ("food", "gift", "other")[(step.pick + at) % 3],
                "quantity": 1 + (step.size + at) % 3,
                "amount": (10, 7, 20, 31, 50, 0, 99, 3)[(step.size + step.flavour + 3 * at) % 8],
            }
            for at in range(1 + step.flavour % 3)
        ]
        event = self.transaction(
            sent,
            "purchase",
            moment,
            member_id=f"{sent.account_id}m{step.pick % 2}",
            order_id=order_id or self.name("o"),
            channel=("store", "web", "partner")[step.size % 3],
            currency=("EUR", "EUR", "GBP", "EUR", "EUR", "GBP", "EUR", "USD" if step.size < 4 else "EUR")[step.flavour],
            lines=lines,
        )
        partner_id = (None, None, None, None, "p0", "p0", "p1", "p2")[step.size]
        if partner_id is not None and step.pick < (2 if partner_id == "p0" else 1):
            event["partner_id"] = partner_id
        elif step.size == 1:
            event["partner_id"] = None
            event["note"] = {"unknown": [1.5, True]}
            event["source"] = LONG_TEXT
        return event

    def taking_back(self, sent: Sent, step: Step, moment: int, order_id: str, lines: list[Plain]) -> Plain:
        if step.kind.startswith("cancel"):
            return self.transaction(sent, "cancellation", moment, order_id=order_id)
        line = lines[step.flavour % len(lines)]
        one = {"line_id": line["line_id"], "quantity": 1}
        everything = [{"line_id": each["line_id"], "quantity": each["quantity"]} for each in lines]
        back = (
            [one],
            everything,
            [one],
            [one, one],
            [{"line_id": line["line_id"], "quantity": line["quantity"]}],
            [one],
            [*everything, one],
            [{"line_id": "l9", "quantity": 1}],
        )[step.size]
        return self.transaction(sent, "refund", moment, order_id=order_id, lines=back)

    def adjustment(self, sent: Sent, step: Step, moment: int) -> Plain:
        points = (10, 25, 5, 100, 40, 1, 60, 100)[step.size]
        if step.kind == "adjust" and step.flavour % 2 == 0:
            points = -points
        if step.kind == "take_away":
            # Not so much where it is all owed, so that an account comes out of its debt again.
            has_floor = any(body["negative_balance"] == "floor" for body in self.bodies["redemption"])
            points = -((5, 20, 1, 100, 3, 300, 300, 1_000) if has_floor else (5, 20, 1, 10, 3, 15, 20, 25))[step.size]
        reason = "goodwill" if step.size else LONG_TEXT * 3
        return self.transaction(
            sent, "adjustment", moment, points=points, reason=reason, operator="op", qualifying=step.flavour < 5
        )

    def request(self, sent: Sent, step: Step, moment: int) -> Plain:
        redemption_id = self.name("r")
        if step.kind == "request_again" and sent.requests:
            redemption_id = sent.requests[-1 - step.pick % len(sent.requests)]["redemption_id"]
        reward, points = ((0, 5), (1, 10), (2, 20), (0, 5), (1, 10), (0, 5), (0, 5), (1, 10))[step.size]
        if step.size == 7 and step.flavour < 4:
            reward, points = ((9, 5), (1, 9), (3, 10), (0, 6))[step.flavour]
        event = self.transaction(
            sent,
            "redemption.requested",
            moment,
            member_id=f"{sent.account_id}m{step.pick // 4}",
            redemption_id=redemption_id,
            reward_id=f"r{reward}",
            points=points,
            channel=("store", "web", "web", "app", "store", "partner", "web", "store")[step.flavour],
        )
        if step.kind == "request_online":
            event.update(member_id=f"{sent.account_id}m0", channel="web", device_id=DEVICES[0])
        elif step.pick != 1:
            event["device_id"] = DEVICES[(0, 0, 0, 1, 2, 9)[step.pick]]
        return event


def as_json(event: Plain) -> bytes:
    return json.dumps(event).encode()


def nested(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


BAD_BYTES: tuple[bytes | None, ...] = (
    None,
    b"",
    b"   ",
    b"{",
    b'{"event_id": "e0",}',
    b'{"points": NaN}',
    b'{"points": -Infinity}',
    b"\xff\xfe{}",
    b'{"event_id": "\xc3"}',
    nested(201),
    b'{"a": "\x01"}',
    b"{} {}",
    b'{"a": "\\ud800"}',
    b"\xef\xbb\xbf{}",
    nested(200),  # from here on sound JSON, but no event
    b"[]",
    b"null",
    b"12",
    b'"text"',
    b"{}",
    b"1" * 5000,
)

LONG_TEXT = 'é\U0001f600"\\\n\x01/ ' * 16
"""As long as most text may be, of letters that take several bytes or must be escaped."""

SAME_OR_OTHER_NUMBERS = (b"1.5", b"15e-1", b"1.5000000000000000000000000000001", b"1.5e400")
"""How the one number of an unknown field is written when its event comes again: the first two are the same."""

BAD_FIELDS: tuple[tuple[str, Any], ...] = (
    ("event_id", ""),
    ("event_id", 7),
    ("event_id", "x" * 129),
    ("source", LONG_TEXT + "é"),
    ("store_id", LONG_TEXT + "é"),
    ("lines", [{"line_id": "l" * 65, "sku": "s", "category": "c", "quantity": 1, "amount": 1}]),
    ("lines", [{"line_id": "l", "sku": "s", "category": "c" * 65, "quantity": 1, "amount": 1}]),
    ("schema_version", 2),
    ("schema_version", 1.0),
    ("schema_version", True),
    ("type", "click"),
    ("type", None),
    ("source", None),
    ("account_id", ""),
    ("occurred_at", "2024-02-30T00:00:00.000Z"),
    ("occurred_at", "2024-02-28T00:00:00Z"),
    ("occurred_at", "2024-02-28T00:00:00.000+00:00"),
    ("occurred_at", "0000-02-28T00:00:00.000Z"),
    ("occurred_at", "2024-02-28T24:00:00.000Z"),
    ("occurred_at", 1_709_000_000_000),
)
