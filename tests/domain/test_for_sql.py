"""What SQL asks the domain: devices lately seen, what a reason code says, what of a field may be shown."""

from __future__ import annotations

from typing import get_args

import pytest

from loyalty.offers.devices import recent_devices
from loyalty.rules.reason_texts import reason_text
from loyalty.times import DAY_MS
from loyalty.wire.decisions import FixedReasonCode
from loyalty.wire.masking import HIDDEN, masked

NOW = 10 * DAY_MS


def test_a_device_counts_by_when_it_was_last_seen_whatever_order_that_comes_in() -> None:
    assert recent_devices([("b", NOW), ("a", NOW - 5), ("a", NOW - 3), ("a", NOW - 4)], NOW) == {"a": NOW - 3, "b": NOW}


def test_devices_are_those_of_the_24_hours_up_to_a_moment_to_the_millisecond() -> None:
    seen = [("too-old", NOW - DAY_MS), ("oldest", NOW - DAY_MS + 1), ("now", NOW), ("later", NOW + 1)]
    assert recent_devices(seen, NOW) == {"now": NOW, "oldest": NOW - DAY_MS + 1}


def test_a_device_seen_before_1970_is_a_device() -> None:
    assert recent_devices([("a", -DAY_MS), ("a", -DAY_MS - 1)], -DAY_MS) == {"a": -DAY_MS}


def test_every_reason_code_of_the_contract_has_words_of_its_own() -> None:
    texts = [reason_text(code) for code in get_args(FixedReasonCode)]
    assert all(texts)
    assert len(set(texts)) == len(texts)
    assert "burst" in reason_text("velocity:burst")


@pytest.mark.parametrize("code", ["velocity:", "velocity", "Refund", ""])
def test_what_is_no_reason_code_has_none(code: str) -> None:
    with pytest.raises(ValueError, match="no reason code"):
        reason_text(code)


def test_a_field_is_shown_by_its_classification() -> None:
    assert masked("tiers@2", "internal") == "tiers@2"
    assert masked("account-1", "confidential") == HIDDEN + "nt-1"
    assert masked("12345678", "confidential") == HIDDEN + "5678"
    for hidden in (masked("1234567", "confidential"), masked("Zoë Sanders", "personal"), masked("x", "unheard of")):
        assert hidden == HIDDEN
