from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.times import DAY_MS, format_time, parse_duration, parse_time

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST = parse_time("0001-01-01T00:00:00.000Z")
LAST = parse_time("9999-12-31T23:59:59.999Z")


@given(st.integers(FIRST, LAST))
def test_a_time_that_is_written_reads_as_itself(moment: int) -> None:
    text = format_time(moment)
    assert parse_time(text) == moment
    assert datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z") == EPOCH + timedelta(milliseconds=moment)


def test_the_epoch_is_zero_and_a_leap_day_is_a_day() -> None:
    assert parse_time("1970-01-01T00:00:00.000Z") == 0
    assert parse_time("2024-03-01T00:00:00.000Z") - parse_time("2024-02-28T00:00:00.000Z") == 2 * DAY_MS


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-23",
        "2026-11-23T10:15:00Z",
        "2026-11-23T10:15:00.00Z",
        "2026-11-23T10:15:00.0000Z",
        "2026-11-23T10:15:00.000z",
        "2026-11-23t10:15:00.000Z",
        "2026-11-23 10:15:00.000Z",
        "2026-11-23T10:15:00,000Z",
        "2026-11-23T10:15:00.000+00:00",
        "2026-11-23T10:15:00.000Z ",
        "2026-11-23T10:15:00.000Z\n",
        " 2026-11-23T10:15:00.000Z",
        "2026-02-29T00:00:00.000Z",
        "2026-06-31T00:00:00.000Z",
        "2026-00-10T00:00:00.000Z",
        "2026-13-10T00:00:00.000Z",
        "0000-01-01T00:00:00.000Z",
        "10000-01-01T00:00:00.000Z",
        "2026-11-23T24:00:00.000Z",
        "2026-11-23T10:60:00.000Z",
        "2026-11-23T23:59:60.000Z",
        "2026-11-23T+1:15:00.000Z",
        "2026-11-23T10:15:00.-01Z",
        "٢٠٢٦-11-23T10:15:00.000Z",
        "2026-11-23T10:15:00.\u0660\u0660\u0660Z",
    ],
)
def test_any_other_form_of_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a time like"):
        parse_time(text)


def test_a_refused_time_of_a_good_day_leaves_nothing_behind() -> None:
    with pytest.raises(ValueError, match="not a time like"):
        parse_time("2031-05-05Tnonsense")
    assert format_time(parse_time("2031-05-05T00:00:00.001Z")) == "2031-05-05T00:00:00.001Z"


@pytest.mark.parametrize("moment", [FIRST - 1, LAST + 1, 10**30, -(10**30)])
def test_moments_outside_the_calendar_have_no_text(moment: int) -> None:
    with pytest.raises(ValueError, match="outside the years"):
        format_time(moment)


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("0s", 0), ("250ms", 250), ("30s", 30_000), ("10m", 600_000), ("24h", DAY_MS), ("400d", 400 * DAY_MS)],
)
def test_durations_read_as_milliseconds(text: str, milliseconds: int) -> None:
    assert parse_duration(text) == milliseconds


@pytest.mark.parametrize("text", ["", "10", "m", "-1m", "1.5h", "10 m", "10m ", "1w", "10M", "9999999999d"])
def test_any_other_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        parse_duration(text)
