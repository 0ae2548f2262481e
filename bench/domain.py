"""`python -m bench.domain`: the CPU of one event in Python alone, without Flink or Kafka, by part and by type.

Everything that the two operators do for a record, with the state in a dict: unpack it, check it, pack it for its
account, unpack that, decide, encode. Totals are CPU of runs without probes. The split comes from a run with a probe
around each part (below): its wall clock, less what a probe costs, scaled to the total.
"""

from __future__ import annotations

import argparse
import gc
import heapq
import importlib
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any, NamedTuple
from zlib import crc32

from bench import inputs
from bench.summary import Summary, as_json, summarise
from jobs.domain import Document, ForAccount, Verdict
from jobs.packing import pack_parcel, unpack_parcel, unpack_record
from jobs.topics import TRANSACTIONS
from jobs.wiring import LoyaltyDesk, LoyaltyIntake
from loyalty.codec import DictPages
from ops.generator.settings import OutRecord

PARTITIONS = 4
LAG_MS = 600_000

PROBES = {
    "unpack record": ("bench.domain:unpack_record",),
    "parse and check (intake)": ("loyalty.intake:read_transaction",),
    "clock, packing (intake)": ("jobs.wiring:LoyaltyIntake.take",),
    "pack, unpack parcel": ("bench.domain:pack_parcel", "bench.domain:unpack_parcel"),
    "read the parcel (desk)": ("jobs.wiring:_DECODE", "loyalty.desk:read_again"),
    "content digest": ("loyalty.desk:content_digest",),
    "pages: decode": ("loyalty.codec:PageCodec.read",),
    "pages: encode": ("loyalty.codec:PageCodec.write",),
    "pages: load, save": (
        "loyalty.account:Account.__init__",
        "loyalty.account:Account.save",
        "loyalty.account:Shelved.get",
        "loyalty.account:Shelved.put",
    ),
    "shelves": (
        "loyalty.shelf:FoldedShelf.add",
        "loyalty.shelf:FoldedShelf._unfold",
        "loyalty.shelf:FoldedShelf.save",
        "loyalty.shelf:Shelf.add",
        "loyalty.shelf:Shelf.remove",
        "loyalty.shelf:Shelf.first",
        "loyalty.shelf:Shelf.at_or_after",
        "loyalty.shelf:Shelf.count_between",
    ),
    "forget (tidy)": ("loyalty.desk:tidy",),
    "find what is due": ("loyalty.desk:_next_moment", "loyalty.desk:_next_due"),
    "due things (sweep)": ("loyalty.desk:_sweep",),
    "tiers": (
        "loyalty.tiers:sync",
        "loyalty.tiers:judge",
        "loyalty.tiers:slide",
        "loyalty.tiers:next_slide",
        "loyalty.tiers:qualify",
    ),
    "earning": ("loyalty.earning:purchase",),
    "reversals": ("loyalty.reversals:refund", "loyalty.reversals:cancel", "loyalty.reversals:adjust"),
    "redemption": (
        "loyalty.redemption:request",
        "loyalty.redemption:commit",
        "loyalty.redemption:cancel",
        "loyalty.redemption:end_hold",
    ),
    "docket": ("loyalty.docket:Docket.post",),
    "encode decisions": ("jobs.wiring:LoyaltyDesk._outputs",),
    "desk, the rest": ("jobs.wiring:LoyaltyDesk.receive", "jobs.wiring:LoyaltyDesk.fire"),
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
    """The two operators' work without Flink: timers in a heap, state in dicts."""

    def __init__(self) -> None:
        self._intake = LoyaltyIntake(LAG_MS)
        self._desk = LoyaltyDesk()
        self._intake_pages = DictPages()
        self._accounts: dict[str, DictPages] = {}
        self._timers: list[tuple[int, str]] = []
        self._set: set[tuple[int, str]] = set()
        self.decisions = 0
        self.fired = 0
        self._intake.begin(self._intake_pages, {})

    def read(self, packed_record: bytes) -> None:
        for passed in self._intake.take(self._intake_pages, unpack_record(packed_record)):
            if isinstance(passed, ForAccount):
                parcel = unpack_parcel(pack_parcel(*passed))
                clock_ms = None if parcel.clock is None else parcel.clock.at_ms
                pages = self._accounts.get(parcel.account_id)
                if pages is None:
                    pages = self._accounts[parcel.account_id] = DictPages()
                self._keep(parcel.account_id, self._desk.receive(parcel.account_id, pages, parcel.payload, clock_ms))
                if clock_ms is not None:
                    self._catch_up(clock_ms)
            elif isinstance(passed, Document):
                self._desk.learn(passed.value)

    def _keep(self, account_id: str, verdict: Verdict) -> None:
        self.decisions += len(verdict.outputs)
        if verdict.next_due_ms is not None and (timer := (verdict.next_due_ms, account_id)) not in self._set:
            self._set.add(timer)
            heapq.heappush(self._timers, timer)

    def _catch_up(self, clock_ms: int) -> None:
        while self._timers and self._timers[0][0] <= clock_ms:
            timer = heapq.heappop(self._timers)
            self._set.remove(timer)
            self.fired += 1
            account_id = timer[1]
            self._keep(account_id, self._desk.fire(account_id, self._accounts[account_id], clock_ms))


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
        owner: Any = importlib.import_module(module if module != "bench.domain" else __name__)
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


def _run(reference: Sequence[Made], transactions: Sequence[Made]) -> tuple[float, InProcess]:
    """CPU in µs a transaction record, and what came of it."""
    job = InProcess()
    for made in reference:
        job.read(made.packed)
    gc.collect()
    gc.freeze()
    before = time.process_time_ns()
    for made in transactions:
        job.read(made.packed)
    return (time.process_time_ns() - before) / 1000 / len(transactions), job


def _by_type(reference: Sequence[Made], transactions: Sequence[Made]) -> dict[str, tuple[int, float]]:
    """By type: how many, and CPU in µs each (timers that come due meanwhile are in it)."""
    job = InProcess()
    for made in reference:
        job.read(made.packed)
    spent: dict[str, int] = defaultdict(int)
    count: Counter[str] = Counter()
    clock = time.thread_time_ns
    for made in transactions:
        began = clock()
        job.read(made.packed)
        spent[made.kind] += clock() - began
        count[made.kind] += 1
    return {kind: (count[kind], spent[kind] / 1000 / count[kind]) for kind in sorted(count, key=lambda k: -spent[k])}


def _split(reference: Sequence[Made], transactions: Sequence[Made], total: float) -> dict[str, tuple[float, float]]:
    """By part: CPU in µs a record (scaled to `total`), and calls a record."""
    cost = _cost_of_a_probe()
    probes = _Probes()
    job = InProcess()
    for made in reference:
        job.read(made.packed)
    probes.install()
    try:
        read = probes.timed("the loop around it, timers", job.read)
        for made in transactions:
            read(made.packed)
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
        total, job = _run(reference, transactions)
        totals.append(total)
    found = summarise(totals)
    print(
        f"{title}: {len(transactions):,} events, {job.decisions:,} records written, {job.fired:,} timers; "
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
