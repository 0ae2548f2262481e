"""Links lead somewhere, and files that a page names are there."""

from __future__ import annotations

import re

from tests.docs.markdown_files import ROOT, anchors, inline_code, links, markdown_files

A_FILE_OF_OURS = re.compile(r"(?:loyalty|jobs|ops|sql|udfs|catalogue|tests|bench|docs|\.ci|\.github)/[\w./-]*\w/?")
OF_FORMER_RELEASES = {ROOT / "docs/explanation/former-measurements.md", ROOT / "CHANGELOG.md"}
"""These speak of files as they were."""


def test_every_link_leads_to_a_page_and_a_heading_that_are_there() -> None:
    broken = []
    for path in markdown_files():
        for link in links(path.read_text("utf-8")):
            target, _, anchor = link.partition("#")
            page = path if not target else (path.parent / target).resolve()
            if not page.exists() or (anchor and anchor not in anchors(page.read_text("utf-8"))):
                broken.append(f"{path.relative_to(ROOT)}: {link}")
    assert broken == []


def test_files_that_a_page_names_exist() -> None:
    gone = [
        f"{path.relative_to(ROOT)}: {named}"
        for path in markdown_files()
        if path not in OF_FORMER_RELEASES
        for named in inline_code(path.read_text("utf-8"))
        if A_FILE_OF_OURS.fullmatch(named) and not (ROOT / named).exists()
    ]
    assert gone == []


def test_files_that_the_code_points_to_for_reading_exist() -> None:
    gone = [
        f"{path.relative_to(ROOT)}: {named}"
        for room in ("loyalty", "jobs", "ops", "udfs", "bench", "tests")
        for path in (ROOT / room).rglob("*.py")
        for named in re.findall(r"docs/[\w/-]+\.(?:md|png|svg)", path.read_text("utf-8"))
        if not (ROOT / named).exists()
    ]
    assert gone == []
