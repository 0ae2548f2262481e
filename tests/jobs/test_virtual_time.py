"""Virtual time: a watermark that steps back, as a number that never does."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.runtime.virtual_time import BEFORE_ALL, BEYOND, exact, timestamp, virtual
from loyalty.validation import Watermark

YEAR_1 = int(datetime(1, 1, 1, tzinfo=UTC).timestamp() * 1000)
YEAR_9999 = int(datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC).timestamp() * 1000)

watermarks = st.builds(Watermark, st.integers(0, 8191), st.integers(YEAR_1, YEAR_9999))


@given(watermarks)
def test_a_watermark_comes_back_to_the_millisecond(watermark: Watermark) -> None:
    assert exact(virtual(watermark)) == watermark


@given(watermarks, watermarks)
def test_virtual_moments_are_in_the_order_of_epoch_then_time(one: Watermark, other: Watermark) -> None:
    assert (virtual(one) < virtual(other)) is (one < other)


@given(watermarks)
def test_no_watermark_is_past_the_broadcast_or_below_none(watermark: Watermark) -> None:
    assert BEFORE_ALL < 0 <= virtual(watermark) < timestamp(watermark) <= BEYOND


@given(watermarks)
def test_the_watermark_that_flink_makes_of_a_timestamp_is_exact(watermark: Watermark) -> None:
    assert exact(timestamp(watermark) - 1) == watermark


@pytest.mark.parametrize("moment", [-(1 << 63), BEFORE_ALL, -1, BEYOND, (1 << 63) - 1])
def test_a_watermark_from_before_any_event_or_behind_all_is_none(moment: int) -> None:
    assert exact(moment) is None


def test_before_the_first_event_the_timestamp_moves_nothing() -> None:
    assert timestamp(None) == BEFORE_ALL
    assert BEFORE_ALL - 1 == -(1 << 63), "which is where Flink's watermark begins"


@pytest.mark.parametrize(
    "watermark", [Watermark(8192, 0), Watermark(-1, 0), Watermark(0, 1 << 48), Watermark(0, -(1 << 48) - 1)]
)
def test_what_does_not_fit_is_refused(watermark: Watermark) -> None:
    with pytest.raises(OverflowError):
        virtual(watermark)
