"""Which events an account has used is remembered for 35 days of its time, however many they are."""

from __future__ import annotations

from hashlib import blake2b

from hypothesis import given
from hypothesis import strategies as st

from loyalty.program import Program
from loyalty.state import retention, used_events
from loyalty.state.account import Account
from loyalty.state.entries import UsedEvent
from loyalty.state.retention import tidy
from loyalty.state.used_events import BLOCKS_MAX, IN_BLOCK, IN_CORE_MAX, REMEMBER_EVENTS_MS
from loyalty.times import DAY_MS
from tests.domain.counting import CountingEntries
from tests.oracle.tries import tried_with


def digest(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=12).digest()


class Remembering:
    """An account that is written down after every event, beside a plain dict of what it must know."""

    def __init__(self) -> None:
        self.entries = CountingEntries()
        self.time = 0
        self.known: dict[str, tuple[bytes, int]] = {}

    def account(self) -> Account:
        account = Account("acc", self.entries)
        account.core.time = self.time
        return account

    def use(self, event_id: str, content: str) -> None:
        account = self.account()
        used_events.remember(account, used_events.key_of(event_id), digest(content))
        self.known[event_id] = digest(content), self.time
        self.tidy(account)

    def forget(self, event_id: str) -> None:
        account = self.account()
        used_events.forget(account, event_id)
        self.known.pop(event_id, None)
        account.save()

    def pass_time(self, ms: int) -> None:
        self.time += ms
        self.tidy(self.account())

    def tidy(self, account: Account) -> None:
        tidy(account, Program())
        account.save()

    def expected(self, event_id: str) -> tuple[bytes, int] | None:
        known = self.known.get(event_id)
        return known if known is not None and self.time < known[1] + REMEMBER_EVENTS_MS else None

    def found(self, event_id: str) -> tuple[bytes, int] | None:
        known = used_events.find(self.account(), event_id, used_events.key_of(event_id))
        return None if known is None else (known.digest, known.used_at)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("use"), st.integers(0, 12)),
        st.tuples(st.just("many"), st.integers(1, 2 * IN_CORE_MAX)),
        st.tuples(st.just("forget"), st.integers(0, 12)),
        st.tuples(st.just("pass"), st.sampled_from([1, DAY_MS, 20 * DAY_MS, REMEMBER_EVENTS_MS - 1, 36 * DAY_MS])),
    ),
    max_size=20,
)


@tried_with(300)
@given(steps)
def test_an_event_is_known_for_35_days_whatever_happens_beside_it(plan: list[tuple[str, int]]) -> None:
    remembering = Remembering()
    filler = 0
    for what, number in plan:
        event_id = f"event-{number}"
        if what == "use" and remembering.expected(event_id) is None:
            remembering.use(event_id, f"content {number} at {remembering.time}")
        elif what == "many":
            for _ in range(number):
                filler += 1
                remembering.use(f"filler-{filler}", "")
        elif what == "forget":
            remembering.forget(event_id)
        elif what == "pass":
            remembering.pass_time(number)
        for each in range(13):
            assert remembering.found(f"event-{each}") == remembering.expected(f"event-{each}")


def test_an_event_that_was_used_again_is_not_forgotten_when_its_first_use_is() -> None:
    remembering = Remembering()
    account, key = remembering.account(), used_events.key_of("again")
    for used_at in (remembering.time, remembering.time + DAY_MS):
        account.seen.put(key.hex(), UsedEvent(b"", used_at))
        account.keep.add((used_at + REMEMBER_EVENTS_MS, f"seen/{key.hex()}"))
    for passed, is_kept in ((0, True), (DAY_MS - 1, True), (DAY_MS, False)):
        retention.forget(account, remembering.time + REMEMBER_EVENTS_MS + passed)
        assert (account.seen.get(key.hex()) is not None) == is_kept


def test_a_quiet_account_keeps_its_events_in_its_core_entry() -> None:
    remembering = Remembering()
    for number in range(IN_CORE_MAX):
        remembering.use(f"event-{number}", "")
    assert set(remembering.entries.entries) == {"core"}


def test_of_a_busy_account_the_older_events_have_blocks_until_35_days_are_over() -> None:
    remembering = Remembering()
    for number in range(10 * IN_CORE_MAX):
        remembering.use(f"event-{number}", "")
    assert len(remembering.entries.entries["core"]) < 100 * IN_CORE_MAX
    assert len(remembering.entries.entries) < 20
    assert remembering.found("event-0") is not None
    remembering.pass_time(REMEMBER_EVENTS_MS)
    assert remembering.found("event-0") is None
    remembering.pass_time(DAY_MS)
    assert set(remembering.entries.entries) == {"core"}


def test_an_event_that_is_new_looks_at_no_block() -> None:
    remembering = Remembering()
    for number in range(10 * IN_CORE_MAX):
        remembering.use(f"event-{number}", "")
    account = remembering.account()
    remembering.entries.begin()
    assert used_events.find(account, "new", used_events.key_of("new")) is None
    assert remembering.entries.read == []
    assert used_events.find(account, "event-5", used_events.key_of("event-5")) is not None
    assert len(remembering.entries.read) == 1


def test_of_a_very_busy_account_the_oldest_events_have_an_entry_each() -> None:
    remembering = Remembering()
    number = 0
    while not any(name.startswith("seen/") for name in remembering.entries.entries):
        remembering.use(f"event-{number}", f"{number}")
        number += 1
    assert number > BLOCKS_MAX * IN_BLOCK
    remembering.forget("event-3")
    remembering.forget(f"event-{number // 2}")
    for each in (0, 3, 40, number // 2, number // 2 + 1, number - 1):
        assert remembering.found(f"event-{each}") == remembering.expected(f"event-{each}")
    remembering.pass_time(REMEMBER_EVENTS_MS + DAY_MS)
    assert set(remembering.entries.entries) == {"core"}
