"""Many elements in one crossing: the function sees the same as one by one, and the JVM is asked for little."""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pyflink.datastream import TimeDomain

from bench.operator_in_memory import InMemoryOperator
from jobs.operators.adapters import in_an_envelope
from jobs.operators.decide_for_account import DecideForAccount
from jobs.runtime.outputs import MAIN, Sent
from jobs.runtime.packing import pack_document
from jobs.runtime.virtual_time import virtual
from loyalty.validation import Watermark
from tests.jobs.fakes import FakeFlink
from tests.jobs.running import finish
from tests.jobs.standin import BALANCE, StandInDecider, document, for_account


def cross(operator: InMemoryOperator, *gathered: tuple[str, Any], wall: bool = False) -> list[tuple[int, Any]]:
    """Elements, or moments of timers, with their keys; gives what was sent."""
    return operator.cross([key for key, _ in gathered], [what for _, what in gathered], wall=wall)


class Scribe:
    """Writes down what it is given, and which state entries it saw."""

    def open(self, runtime_context: Any) -> None:
        self._entries = runtime_context.get_map_state(None)

    def process_element(self, value: bytes, ctx: Any) -> Sent:
        seen = self._entries.get("last"), self._entries.get("other")
        if value == b"forget":
            self._entries.remove("last")
        else:
            self._entries.put("last", value)
        return [(MAIN, (ctx.get_current_key(), value, *seen))]

    def on_timer(self, timestamp: int, ctx: Any) -> Sent:
        ctx.timer_service().register_event_time_timer(timestamp + 1)
        ctx.timer_service().register_processing_time_timer(timestamp + 2)
        return [(MAIN, (ctx.get_current_key(), timestamp, ctx.time_domain()))]


def test_an_element_sees_what_those_before_it_in_the_batch_wrote_of_its_own_key() -> None:
    jvm = InMemoryOperator(Scribe())
    jvm.state["b"] = {"last": b"before"}
    assert cross(jvm, ("a", b"1"), ("b", b"2"), ("a", b"3"), ("b", b"forget"), ("b", b"4")) == [
        (MAIN, ("a", b"1", None, None)),
        (MAIN, ("b", b"2", b"before", None)),
        (MAIN, ("a", b"3", b"1", None)),
        (MAIN, ("b", b"forget", b"2", None)),
        (MAIN, ("b", b"4", None, None)),
    ]
    assert jvm.state == {"a": {"last": b"3"}, "b": {"last": b"4"}}


def test_what_was_removed_last_is_gone() -> None:
    jvm = InMemoryOperator(Scribe())
    cross(jvm, ("a", b"1"), ("a", b"forget"))
    jvm.state["b"] = {"last": b"kept before"}
    cross(jvm, ("b", b"2"), ("b", b"forget"))
    assert jvm.state == {"a": {}, "b": {}}


def test_a_state_entry_is_asked_for_once_a_batch_and_not_at_all_if_it_came_with_the_element() -> None:
    jvm = InMemoryOperator(Scribe(), ("last",))
    jvm.state["a"] = {"last": b"0", "other": b"x"}
    sent = cross(jvm, ("a", b"1"), ("a", b"2"))
    assert [value for _, value in sent] == [("a", b"1", b"0", b"x"), ("a", b"2", b"1", b"x")]
    assert jvm.asked == ["other"]
    cross(jvm, ("a", b"3"))
    assert jvm.asked == ["other", "other"], "another batch may find another state"


def test_timers_are_of_the_key_that_set_them_and_know_which_time_woke_them() -> None:
    jvm = InMemoryOperator(Scribe())
    assert cross(jvm, ("a", 10), ("b", 20)) == [
        (MAIN, ("a", 10, TimeDomain.EVENT_TIME)),
        (MAIN, ("b", 20, TimeDomain.EVENT_TIME)),
    ]
    assert jvm.timers == {("a", True, 11), ("a", False, 12), ("b", True, 21), ("b", False, 22)}
    assert cross(jvm, ("a", 30), wall=True) == [(MAIN, ("a", 30, TimeDomain.PROCESSING_TIME))]


_EVENTS = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.integers(0, 50),
        st.none() | st.integers(0, 90),
        st.sampled_from(["event", "document", "watermark"]),
    ),
    max_size=40,
)


@given(events=_EVENTS, sizes=st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_in_batches_of_any_size_the_same_is_decided_and_kept_as_one_by_one(events: Any, sizes: list[int]) -> None:
    flink = FakeFlink()
    one_by_one = DecideForAccount(StandInDecider(), now=lambda: 0)
    one_by_one.open(flink)
    jvm = InMemoryOperator(DecideForAccount(StandInDecider(), now=lambda: 0), (BALANCE,))
    decided: list[Any] = []
    in_batches: list[Any] = []
    gathered: list[tuple[str, Any]] = []
    documents = accepted = 0

    def flush() -> None:
        in_batches.extend(cross(jvm, *gathered))
        gathered.clear()

    for number, (account, at, later, kind) in enumerate(events):
        if kind == "document":
            # Every second one comes late, so that some records have to wait for it.
            accepted += 1
            if accepted % 2:
                continue
            flush()
            while documents < accepted:
                documents += 1
                decided += one_by_one.process_broadcast_element(pack_document(documents, document(documents)), flink)
                in_batches.extend(jvm.broadcast(pack_document(documents, document(documents))))
        elif kind == "watermark":
            flush()
            flink.watermark = jvm.watermark = virtual(Watermark(0, at))
        else:
            event = {"account": account, "at": at, "add": 1} | (
                {} if later is None else {"later": {"at": later, "add": 2}}
            )
            envelope = in_an_envelope(for_account(account, event, accepted))
            flink.key = account
            decided += one_by_one.process_element(envelope, flink)
            gathered.append((account, envelope))
            if len(gathered) >= sizes[number % len(sizes)]:
                flush()
    flush()
    assert in_batches == decided
    assert {key: entries for key, entries in jvm.state.items() if entries} == {
        key: entries for key, entries in flink.map_state.by_key.items() if entries
    }
    assert {
        (key, domain is TimeDomain.EVENT_TIME, moment) for key, of in flink.timers.items() for domain, moment in of
    } == {(key, of_event_time, moment) for key, of_event_time, moment in jvm.timers}


def test_java_wakes_each_key_by_its_own_timer_while_elements_of_others_wait_to_cross() -> None:
    said = finish([sys.executable, "-m", "tests.jobs.woken_keys"])
    woken = Counter(int(line) for line in said.splitlines())
    # The input ends, and with it the timers of those that came last. They come slowly enough for an operator that is
    # slow to start, on a busy machine too, to have caught up long before.
    assert {key: times for key, times in woken.items() if key < 30_000} == dict.fromkeys(range(30_000), 1)
