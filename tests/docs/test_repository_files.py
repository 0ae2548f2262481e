"""The files around the code say what is there."""

from __future__ import annotations

import re
import tomllib

import pytest
import yaml

from ops.reference.story import text
from tests.docs.markdown_files import ROOT


def test_hosted_ci_runs_what_every_change_has_to_pass_and_nothing_else() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text("utf-8"))
    commands = [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]
    assert commands == ["bash .ci/run"]


def test_hosted_ci_runs_the_pythons_that_are_supported() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text("utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["requires-python"] == ">=3.11,<3.13"
    assert workflow["jobs"]["run"]["strategy"]["matrix"]["python"] == ["3.11", "3.12"]


@pytest.mark.parametrize("form", sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml")), ids=lambda path: path.name)
def test_issue_forms_can_be_read(form: object) -> None:
    content = yaml.safe_load((ROOT / ".github/ISSUE_TEMPLATE" / str(form)).read_text("utf-8"))
    if "body" in content:
        assert all(field["attributes"]["label"] for field in content["body"])


def test_make_help_names_every_target_that_people_call() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    phony = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert phony is not None
    said = " ".join(re.findall(r'@echo "(.+)"', makefile))
    assert [name for name in phony[1].split() if name != "help" and name not in said] == []


def test_every_page_is_in_the_sites_navigation() -> None:
    navigation = (ROOT / "zensical.toml").read_text("utf-8")
    pages = [path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")]
    assert [page for page in sorted(pages) if f'"{page}"' not in navigation] == []


def test_the_output_that_the_readme_shows_fits_a_hundred_columns() -> None:
    assert [line for line in text().splitlines() if len(line) > 100] == []
