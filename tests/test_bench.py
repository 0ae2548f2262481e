"""What the measurements' figures are made with; the measurements themselves are `make bench` and `make bench-quick`."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

import pytest

from bench import beside, domain, inputs, report
from bench.__main__ import check_balances
from bench.balance import Balance
from bench.balance_in_topology import BalanceDecider
from bench.catch_up import drained
from bench.latency import Wait, paced, percentile, within
from bench.summary import Summary, as_json, summarise
from bench.window import Window, rate
from jobs.runtime.packing import unpack_record
from jobs.topics import TRANSACTIONS
from loyalty.decider import Delivery
from loyalty.in_memory_run import InMemoryRun
from loyalty.records import Record
from loyalty.state.codec import DictEntries
from loyalty.wire.transactions import parse_transaction
from ops.errors import Refusal
from ops.generate.settings import DEFAULT_END
from ops.kafka import broker as kafka
from tests.jobs.fakes import FakeFlink


def test_one_disturbed_run_does_not_decide() -> None:
    assert summarise([100, 101, 3, 102, 99]) == Summary(100, 3, 102, 5)


def test_figures_without_a_run_are_refused() -> None:
    with pytest.raises(ValueError, match="nothing was measured"):
        summarise([])


def test_the_last_line_of_a_measurement_is_one_json_object() -> None:
    line = as_json({"events_per_s": Summary(12_345.678, 12_000.4, 13_000.6, 5)})
    assert "\n" not in line
    assert json.loads(line) == {"events_per_s": {"median": 12346, "min": 12000, "max": 13001, "runs": 5}}


def test_a_window_opens_after_the_warm_up_and_counts_nothing_behind_its_end() -> None:
    moments = [*range(10_000, 14_000, 2), *range(14_000, 24_000, 10), *range(24_000, 30_000)]
    assert rate(reversed(moments), Window(warm_up_s=4.0, seconds=10.0)) == 100


def test_a_run_that_had_nothing_left_before_its_window_closed_is_not_measured() -> None:
    with pytest.raises(Refusal, match="Nothing was left to decide"):
        rate(range(13_999), Window(warm_up_s=4.0, seconds=10.0))


def test_the_load_does_not_run_ahead_of_its_rate() -> None:
    began = time.perf_counter()
    moments = [time.perf_counter() - began for _ in paced(range(50), 1_000)]
    assert all(at >= number / 1_000 for number, at in enumerate(moments))


def test_a_window_holds_what_was_sent_in_it_whenever_it_was_decided() -> None:
    waits = [Wait(number / 100, True, 0.001 * (number % 100)) for number in range(300)]
    assert within(waits, 1.0, 1.0, 100) == [pytest.approx(0.001 * number) for number in range(100)]


def test_a_window_that_had_another_rate_is_refused() -> None:
    with pytest.raises(Refusal, match="132 records/s were sent, not 100"):
        within([Wait(number / 132, True, 0.01) for number in range(300)], 1.0, 1.0, 100)


def test_a_window_whose_slowest_are_missing_is_refused() -> None:
    waits = [Wait(number / 100, True, 0.01 if number % 20 else None) for number in range(300)]
    with pytest.raises(Refusal, match="Of 100 events from second 1 on, 95 were decided"):
        within(waits, 1.0, 1.0, 100)


def test_what_need_not_be_decided_may_be_missing() -> None:
    waits = [Wait(number / 100, number % 20 > 0, 0.01 if number % 20 else None) for number in range(300)]
    assert len(within(waits, 1.0, 1.0, 100)) == 95


def test_percentiles_are_the_nearest_rank() -> None:
    ordered = [float(number) for number in range(1, 201)]
    assert (percentile(ordered, 50), percentile(ordered, 99)) == (100, 198)


def test_a_backlog_is_drained_from_the_first_decision_to_its_last_one() -> None:
    decided = {(number % 2, number // 2): 5_000 + number for number in range(10_001)}
    live = {(0, 6_000): 9_000, (1, 6_000): 16_000}
    assert drained({**decided, **live}, {0: 5_001, 1: 5_000}) == pytest.approx(1_000, rel=0.001)


def test_a_backlog_that_is_gone_at_once_is_not_measured() -> None:
    with pytest.raises(Refusal, match=r"worked off in 4\.0 s"):
        drained({(0, 0): 1_000, (0, 1): 5_000}, {0: 2})


def test_every_generated_purchase_is_one_that_the_contract_takes() -> None:
    for record in inputs.purchases(50, 7):
        assert parse_transaction(record.value).account_id.encode() == record.key


def _by_the_operator() -> Iterator[bytes]:
    flink, operator = FakeFlink(), Balance()
    operator.open(flink)
    for record in inputs.purchases(50, 7):
        flink.key = (record.key or b"").decode()
        for _, (key, value) in operator.process_element(record.value or b"", flink):
            assert key == record.key
            yield value


def _by_the_decider() -> Iterator[bytes]:
    decider = BalanceDecider()
    entries: dict[str, DictEntries] = defaultdict(DictEntries)
    for record in inputs.purchases(50, 7):
        account_id = (record.key or b"").decode()
        delivery = Delivery(Record(TRANSACTIONS, 0, 0, 0, record.key, record.value))
        yield from decider.receive(account_id, entries[account_id], delivery).encode(0)


@pytest.mark.parametrize("contender", [_by_the_operator, _by_the_decider])
def test_balances_are_those_of_the_purchases_that_were_decided(contender: Callable[[], Iterator[bytes]]) -> None:
    found: dict[str, tuple[int, int]] = {}
    for value in contender():
        said = json.loads(value)
        found[said["account"]] = said["sequence"], said["balance"]
    expected = inputs.expected_balances(50, 7)
    check_balances(found, expected, "ours")
    account, (sequence, balance) = found.popitem()
    with pytest.raises(Refusal, match="1 of 7 balances wrong"):
        check_balances({**found, account: (sequence, balance + 1)}, expected, "ours")


def test_what_is_measured_in_memory_decides_as_much_as_the_in_memory_run() -> None:
    reference, transactions = domain.packed(chain(inputs.programme(), inputs.mix(2_000, 100)), DEFAULT_END)
    _, measured = domain.run(reference, transactions)
    in_memory = InMemoryRun(domain.LAG_MS)
    for made in (*reference, *transactions):
        in_memory.read(unpack_record(made.packed))
    assert measured.written == len(in_memory.outcome.decisions) + len(in_memory.outcome.dead_letters) > 2_000
    assert measured.fired > 500


def test_the_parts_of_an_event_add_up_to_its_cpu(capsys: pytest.CaptureFixture[str]) -> None:
    records = chain(inputs.programme(), inputs.mix(500, 30))
    figures = domain.measure(records, 1, "a little traffic")
    parts = sum(figures[f"domain_us_{domain.plain(part)}"].median for part in domain.PROBES) + (
        figures["domain_us_around_it_what_Java_does_in_a_job"].median
    )
    assert parts == pytest.approx(figures["domain_us_per_event"].median)
    said = capsys.readouterr()
    assert "purchase" in said.out
    assert said.err == "", "a probe has lost its function"


def test_a_purchase_is_measured_beside_another_tree_and_without_its_seals() -> None:
    spent = beside.beside(beside.ROOT, events=50, runs=1)
    assert list(spent) == ["other", "this", "this, unsealed"]
    assert all(len(values) == 1 and values[0] > 0 for values in spent.values())


def test_a_measurement_that_is_terminated_stops_its_broker(tmp_path: Path) -> None:
    holds = """
import time
from bench.ground import ground
with ground("nothing", [], tuple):
    print("holds", flush=True)
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", holds], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "holds\n"
        (folder,) = (tmp_path / ".loyalty" / "bench").iterdir()
        assert kafka.running(folder)
        process.terminate()
        assert process.wait(30) == 128 + signal.SIGTERM
    assert not kafka.running(folder)


def test_the_page_says_for_each_goal_whether_it_is_met(tmp_path: Path) -> None:
    page, chart = tmp_path / "performance.md", tmp_path / "performance.png"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n", encoding="utf-8")
    figures = {
        "full_to_sql": Summary(0.4, 0.3, 0.5, 5),
        "latency_p50_ms": Summary(12.0, 11.0, 13.0, 5),
        "accounts_ratio": Summary(0.9, 0.8, 1.0, 5),
        "accounts_large_accounts": Summary(201_000, 201_000, 201_000, 1),
        "full_events_per_s": Summary(9_000, 8_000, 9_500, 5),
        "full_cpu_us": Summary(150, 140, 160, 5),
        "full_start_s": Summary(6.5, 6.0, 7.0, 5),
    }
    report.write(figures, "make bench", page, chart)
    text = page.read_text(encoding="utf-8")
    assert "old" not in text
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "| full decision job ÷ Flink SQL running balance | ≥ 0.5 | **0.40** (0.30–0.50) | not met |" in text
    assert "p50 | ≤ 15 ms | **12.0 ms** (11.0–13.0) | met |" in text
    assert "÷ 10 000 | ≥ 0.8 | **0.90** (0.80–1.00) | open: 201,000 accounts only |" in text
    assert "| full decision job | 9,000 (8,000–9,500) | 5 | 150 µs | 6.5 s |" in text
    assert chart.read_bytes().startswith(b"\x89PNG")
