"""`python -m bench.domain`: the CPU of one event in Python alone, without Flink or Kafka, by part and by type.

Everything that the two operators do in Python for a record, in batches as in a job, with state and timers in memory:
unpack it, check it, pack it for its account, unpack that, decide, encode. Totals are CPU of runs without probes. The
split comes from a run with a probe around each part (below): its wall clock, less what a probe costs, scaled to the
total.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import Any, NamedTuple
from zlib import crc32

from bench import inputs
from bench.operator_in_memory import InMemoryOperator
from bench.summary import Summary, as_json, summarise
from jobs.operators.check_records import TO_DOCUMENTS, CheckRecords
from jobs.operators.decide_for_account import DecideForAccount
from jobs.profiles import KNOBS, Profile
from jobs.runtime.outputs import MAIN
from jobs.topics import TRANSACTIONS
from loyalty.decider import Decider
from loyalty.state.core import CORE_ENTRY
from loyalty.validation import Validator
from ops.generate.settings import OutRecord

PARTITIONS = 4
LAG_MS = 600_000
GATHERED = KNOBS[Profile.THROUGHPUT].gather_elements

PROBES = {
    "unpack record": ("jobs.operators.start_barrier:unpack_record",),
    "parse and check (intake)": ("loyalty.validation:read_transaction",),
    "watermark (intake)": ("loyalty.validation:Validator.take",),
    "pack, unpack envelope": (
        "jobs.operators.check_records:in_an_envelope",
        "jobs.operators.decide_for_account:unpack_envelope",
    ),
    "operators: barriers, order, timers": (
        "jobs.operators.check_records:CheckRecords.process_element",
        "jobs.operators.decide_for_account:DecideForAccount.process_element",
        "jobs.operators.decide_for_account:DecideForAccount.on_timer",
    ),
    "batches: elements, state, answer": (
        "jobs.runtime.batch_runner:BatchRunner._run",
        "jobs.runtime.state_entries:FlinkEntries.get",
        "jobs.runtime.state_entries:FlinkEntries.put",
        "jobs.runtime.state_entries:FlinkEntries.remove",
    ),
    "read the envelope (decider)": ("jobs.operators.decide_for_account:delivery_in", "loyalty.decider:read_again"),
    "events on their way": (
        "jobs.runtime.events_on_their_way:EventsOnTheirWay.put",
        "jobs.runtime.events_on_their_way:EventsOnTheirWay.take",
    ),
    "content digest": ("loyalty.validation:content_digest",),
    "state entries: decode": ("loyalty.state.codec:EntryCodec.read",),
    "state entries: encode": ("loyalty.state.codec:EntryCodec.write",),
    "state entries: load, save": (
        "loyalty.state.account:Account.turn_to",
        "loyalty.state.account:Account.save",
        "loyalty.state.unit_of_work:EntriesById.get",
        "loyalty.state.unit_of_work:EntriesById.put",
    ),
    "sorted lists": (
        "loyalty.state.sorted_list:SortedList.add",
        "loyalty.state.sorted_list:SortedList.remove",
        "loyalty.state.sorted_list:SortedList.first",
        "loyalty.state.sorted_list:SortedList.at_or_after",
        "loyalty.state.sorted_list:SortedList.count_between",
        "loyalty.state.sorted_list:SortedList.save",
    ),
    "forget (tidy)": ("loyalty.decider:tidy",),
    "find what is due": ("loyalty.timers:_next_moment", "loyalty.timers:_next_timer"),
    "timers": ("loyalty.timers:fire",),
    "tiers": ("loyalty.rules.tiers:advance", "loyalty.rules.tiers:judge", "loyalty.rules.tiers:slide"),
    "earning": ("loyalty.rules.earning:check", "loyalty.rules.earning:earn"),
    "bonuses": ("loyalty.rules.bonuses:take_up", "loyalty.rules.bonuses:undo"),
    "reversals, adjustments": ("loyalty.rules.reversals:reverse", "loyalty.rules.adjustments:adjust"),
    "redemption": (
        "loyalty.rules.redemption:request",
        "loyalty.rules.holds:commit",
        "loyalty.rules.holds:cancel",
        "loyalty.rules.holds:end",
    ),
    "lots": ("loyalty.rules.lots:release", "loyalty.rules.lots:expire"),
    "decision log": ("loyalty.rules.decision_log:DecisionLog.add", "loyalty.rules.case:Case.post"),
    "seal": ("loyalty.rules.decision_log:seal",),
    "encode decisions": ("jobs.operators.decide_for_account:decided",),
    "decider, the rest": ("loyalty.decider:Decider.receive", "loyalty.decider:Decider.fire"),
}
"""Which functions are which part. Time inside a nested probe is that probe's."""


class Made(NamedTuple):
    """One record as SQL packs it for the intake, and what it is."""

    kind: str
    packed: bytes


def packed(records: Iterable[OutRecord], now_ms: int) -> tuple[list[Made], list[Made]]:
    """Reference records and transactions, as they reach the intake."""
    offsets: Counter[tuple[str, int]] = Counter()
    reference: list[Made] = []
    transactions: list[Made] = []
    for record in records:
        partition = crc32(record.key or b"") % PARTITIONS
        offset = offsets[record.topic, partition]
        offsets[record.topic, partition] += 1
        key, value = record.key, record.value
        head = (
            f"{record.topic} {partition} {offset} {now_ms} "
            f"{-1 if key is None else len(key)} {-1 if value is None else len(value)}\n"
        )
        made = Made(record.kind, head.encode() + (key or b"") + (value or b""))
        (transactions if record.topic == TRANSACTIONS else reference).append(made)
    return reference, transactions


class InProcess:
    """The two operators without Flink, on one thread: state and timers in memory, batches and watermarks as there."""

    def __init__(self) -> None:
        self._check = InMemoryOperator(CheckRecords(partial(Validator, LAG_MS), dict, lambda taken: {}))
        self._decide = InMemoryOperator(DecideForAccount(Decider()), (CORE_ENTRY,))
        self.written = 0
        """Decisions and dead letters."""
        self.fired = 0

    def read(self, batch: Sequence[bytes]) -> None:
        """Packed records, from the intake to what is due by the last of them."""
        keys, envelopes = [], []
        latest = self._decide.watermark
        for output, value in self._check.cross([""] * len(batch), batch):
            if output == MAIN:
                (key, envelope), timestamp = value
                keys.append(key)
                envelopes.append(envelope)
                latest = max(latest, timestamp - 1)
            elif output == TO_DOCUMENTS:
                self._decide.broadcast(value[0])
            else:
                self.written += 1
        if keys:
            self.written += len(self._decide.cross(keys, envelopes))
        self._decide.watermark = latest
        while due := self._decide.due():
            self.fired += len(due)
            self.written += len(self._decide.cross([key for _, key in due], [moment for moment, _ in due]))


def _batches(records: Sequence[Made]) -> Iterator[list[bytes]]:
    for begin in range(0, len(records), GATHERED):
        yield [made.packed for made in records[begin : begin + GATHERED]]


class _Probes:
    """Self time by part: a stack of what is being timed."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self.calls: Counter[str] = Counter()
        self._stack: list[str] = []
        self._since = 0
        self._undo: list[Callable[[], None]] = []

    def install(self) -> None:
        for part, places in PROBES.items():
            for place in places:
                self._wrap(part, place)

    def _wrap(self, part: str, place: str) -> None:
        module, _, path = place.partition(":")
        owner: Any = importlib.import_module(module)
        *outer, name = path.split(".")
        for step in outer:
            owner = getattr(owner, step, None)
        function = None if owner is None else vars(owner).get(name)
        if function is None:
            print(f"There is no {place} any more: what it did is counted elsewhere.", file=sys.stderr)
            return
        setattr(owner, name, self.timed(part, function))
        self._undo.append(lambda: setattr(owner, name, function))

    def timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        stack, spent, calls, clock = self._stack, self.spent, self.calls, time.perf_counter_ns

        def probe(*arguments: Any, **named: Any) -> Any:
            now = clock()
            if stack:
                spent[stack[-1]] += now - self._since
            stack.append(part)
            calls[part] += 1
            self._since = clock()
            try:
                return function(*arguments, **named)
            finally:
                now = clock()
                spent[stack.pop()] += now - self._since
                self._since = clock()

        return probe

    def remove(self) -> None:
        while self._undo:
            self._undo.pop()()


def _cost_of_a_probe() -> float:
    """What a probe adds to the part that it is around, ns."""
    probes = _Probes()
    bare = probes.timed("inner", lambda: None)

    def many() -> None:
        for _ in range(100_000):
            bare()

    probes.timed("outer", many)()
    return probes.spent["inner"] / probes.calls["inner"]


def _begun(reference: Sequence[Made]) -> InProcess:
    job = InProcess()
    for batch in _batches(reference):
        job.read(batch)
    return job


def run(reference: Sequence[Made], transactions: Sequence[Made]) -> tuple[float, InProcess]:
    """CPU in µs a transaction record, and what came of it."""
    job = _begun(reference)
    gc.collect()
    gc.freeze()
    before = time.process_time_ns()
    for batch in _batches(transactions):
        job.read(batch)
    return (time.process_time_ns() - before) / 1000 / len(transactions), job


def _by_type(reference: Sequence[Made], transactions: Sequence[Made]) -> dict[str, tuple[int, float]]:
    """By type: how many, and CPU in µs each, in batches of one (timers that come due meanwhile are in it)."""
    job = _begun(reference)
    spent: dict[str, int] = defaultdict(int)
    count: Counter[str] = Counter()
    clock = time.thread_time_ns
    for made in transactions:
        began = clock()
        job.read([made.packed])
        spent[made.kind] += clock() - began
        count[made.kind] += 1
    return {kind: (count[kind], spent[kind] / 1000 / count[kind]) for kind in sorted(count, key=lambda k: -spent[k])}


def _split(reference: Sequence[Made], transactions: Sequence[Made], total: float) -> dict[str, tuple[float, float]]:
    """By part: CPU in µs a record (scaled to `total`), and calls a record."""
    cost = _cost_of_a_probe()
    probes = _Probes()
    job = _begun(reference)
    probes.install()
    try:
        read = probes.timed("around it: what Java does in a job", job.read)
        for batch in _batches(transactions):
            read(batch)
    finally:
        probes.remove()
    net = {part: max(0.0, spent - cost * probes.calls[part]) for part, spent in probes.spent.items()}
    scale = total / sum(net.values())
    return {
        part: (net[part] * scale, probes.calls[part] / len(transactions)) for part in sorted(net, key=lambda p: -net[p])
    }


def measure(records: Iterable[OutRecord], runs: int, title: str) -> dict[str, Summary]:
    """Prints the table and gives the figures."""
    reference, transactions = packed(records, time.time_ns() // 1_000_000)
    gc.collect()
    gc.freeze()
    totals = []
    for _ in range(runs):
        total, job = run(reference, transactions)
        totals.append(total)
    found = summarise(totals)
    print(
        f"{title}: {len(transactions):,} events, {job.written:,} records written, {job.fired:,} timers; "
        f"{found.median:.1f} µs of CPU an event (min {found.min:.1f}, max {found.max:.1f}, {found.runs} runs) "
        f"= {1e6 / found.median:,.0f} a second of one core"
    )
    figures = {"domain_us_per_event": found}
    print(f"\n{'part':<28}{'µs':>8}{'share':>8}{'calls':>8}")
    for part, (spent, calls) in _split(reference, transactions, found.median).items():
        print(f"{part:<28}{spent:>8.2f}{spent / found.median:>8.0%}{calls:>8.2f}")
        figures[f"domain_us_{plain(part)}"] = summarise([spent])
    print(f"\n{'type':<28}{'µs':>8}{'count':>8}{'share':>8}")
    for kind, (count, spent) in _by_type(reference, transactions).items():
        print(f"{kind:<28}{spent:>8.1f}{count:>8,}{count / len(transactions):>8.1%}")
        figures[f"domain_us_of_{plain(kind)}"] = summarise([spent])
    return figures


def plain(words: str) -> str:
    """A name for a figure: letters, digits and underscores."""
    return "_".join("".join(letter if letter.isalnum() else " " for letter in words).split())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.domain", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--accounts", type=int, default=5_000)
    parser.add_argument("--runs", type=int, default=3)
    asked = parser.parse_args()
    records = chain(inputs.programme(), inputs.mix(asked.events, asked.accounts))
    print(as_json(measure(records, asked.runs, "the traffic of `loyalty generate`")))


if __name__ == "__main__":
    main()
