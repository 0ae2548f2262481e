"""The glossary has the words that code, messages and pages use, each in one sentence."""

from __future__ import annotations

import re

from tests.docs.markdown_files import ROOT

WORDS_OF_THE_FIELD = (
    "watermark",
    "decider",
    "decision log",
    "timer",
    "fire",
    "expire",
    "used events",
    "sorted list",
    "envelope",
    "state entry",
    "start barrier",
    "start offsets",
    "outputs",
    "subprocess",
    "adapters",
    "in-memory run",
    "contenders",
    "account",
    "member",
    "ledger",
    "lot",
    "hold",
    "qualifying points",
    "tier",
    "grace",
    "savepoint",
    "dead letter",
    "offset",
    "lag",
)


def _glossary() -> dict[str, str]:
    page = (ROOT / "docs/reference/glossary.md").read_text("utf-8")
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", page, re.MULTILINE)
    return {name: said for words, said in rows if words != "Word" for name in words.split(", ")}


def test_the_words_that_we_agreed_on_are_explained() -> None:
    glossary = _glossary()
    assert [word for word in WORDS_OF_THE_FIELD if word not in glossary] == []


def test_each_word_is_explained_in_one_sentence() -> None:
    assert [word for word, said in _glossary().items() if ". " in said or said.endswith(".")] == []
