"""Any text as a name that Flink can keep."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jobs.runtime.state_entries import from_flink, to_flink

any_text = st.text(st.characters(codec=None, exclude_categories=()))


@given(any_text)
def test_every_text_can_be_encoded_and_comes_back(text: str) -> None:
    kept = to_flink(text)
    kept.encode()
    assert from_flink(kept) == text


@given(any_text, any_text)
def test_different_texts_stay_different(one: str, other: str) -> None:
    assert (to_flink(one) == to_flink(other)) is (one == other)


def test_what_can_be_kept_stays_as_it_is() -> None:
    for text in ("", "account-1", "Zoë", "😀", "a\x00b", "\\ud800"):
        assert to_flink(text) == text


def test_half_a_surrogate_pair_is_told_from_its_spelling() -> None:
    assert to_flink("\ud800") == "\uffff\\ud800"
    assert to_flink("\uffff\\ud800") == "\uffff\\uffff\\\\ud800"
