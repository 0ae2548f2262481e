"""What `docs/reference` says is what the code says."""

from __future__ import annotations

import pytest

from ops.reference.pages import PAGES, ROOT


@pytest.mark.parametrize("name", PAGES)
def test_a_page_made_from_the_code_is_current(name: str) -> None:
    """Otherwise: make reference"""
    assert (ROOT / name).read_text("utf-8") == PAGES[name]()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_says_nothing_of_the_machine_that_made_it(name: str) -> None:
    assert str(ROOT) not in PAGES[name]()
