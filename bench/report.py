"""The table and the chart of `docs/explanation/performance.md`, made from measured figures."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from bench.contenders import CONTENDERS
from bench.summary import Summary

DOCS = Path(__file__).parent.parent / "docs" / "explanation"
PAGE = DOCS / "performance.md"
CHART = DOCS / "performance.png"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


class Goal(NamedTuple):
    """A row of the goals' table: the figure, its goal, and whether less is better."""

    words: str
    figure: str
    goal: float
    unit: str = ""
    at_most: bool = False


GOALS = (
    Goal("full decision job ÷ Flink SQL running balance", "full_to_sql", 0.5),
    Goal("full decision job ÷ textbook PyFlink running balance", "full_to_textbook", 20),
    Goal("full decision job ÷ Quix Streams running balance", "full_to_quix", 1.0),
    Goal("running balance in our operators ÷ in a Java DataStream job", "balance_to_java", 0.6),
    Goal("request produced → decision consumed at 1 000/s, p50", "latency_p50_ms", 15, " ms", at_most=True),
    Goal("… p99", "latency_p99_ms", 50, " ms", at_most=True),
    Goal("1 000 000 accounts in state ÷ 10 000", "accounts_ratio", 0.8),
    Goal("accounts of 1 000 purchases ÷ of 10", "depth_ratio", 0.8),
    Goal("parallelism 2 ÷ 1", "parallelism_ratio", 1.6),
    Goal("start of `loyalty run decisions` to first decision", "full_start_s", 10, " s", at_most=True),
    Goal("catch-up: drain rate ÷ live rate of 1 000/s", "catch_up_ratio", 10),
)

MILLION = 1_000_000


def lines(figures: Mapping[str, Summary]) -> list[str]:
    """The goals beside what was measured, then every contender that was compared; GitHub's Markdown."""
    rows = ["| Figure | Goal | Measured (median, min–max) | |", "|---|---|---|---|"]
    for goal in GOALS:
        found = figures.get(goal.figure)
        if found is None:
            continue
        sign = "≤" if goal.at_most else "≥"
        rows.append(
            f"| {goal.words} | {sign} {goal.goal:g}{goal.unit} | {_in_words(found, goal.unit)} | "
            f"{_met(goal, figures)} |"
        )
    rows += [
        "",
        "| Contender | events/s (median, min–max) | runs | CPU an event | first record after |",
        "|---|---|---|---|---|",
    ]
    for name, contender in CONTENDERS.items():
        rate = figures.get(f"{name}_events_per_s")
        if rate is not None:
            rows.append(
                f"| {contender.title} | {rate.median:,.0f} ({rate.min:,.0f}–{rate.max:,.0f}) | {rate.runs} | "
                f"{figures[f'{name}_cpu_us'].median:,.0f} µs | {figures[f'{name}_start_s'].median:.1f} s |"
            )
    return rows


def _met(goal: Goal, figures: Mapping[str, Summary]) -> str:
    """A goal that is met with fewer accounts than it is about is still open."""
    found, before = figures[goal.figure].median, figures.get("accounts_large_accounts")
    if not (found <= goal.goal if goal.at_most else found >= goal.goal):
        return "not met"
    if goal.figure == "accounts_ratio" and before is not None and before.median < MILLION:
        return f"open: {before.median:,.0f} accounts only"
    return "met"


def _in_words(found: Summary, unit: str) -> str:
    digits = 1 if found.median >= 10 else 2
    return f"**{found.median:.{digits}f}{unit}** ({found.min:.{digits}f}–{found.max:.{digits}f})"


def machine() -> str:
    """The machine and the versions that a measurement is of, in a sentence."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in _text(Path("/proc/cpuinfo")).splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores ({model}), {memory:.0f} GB, {platform.system()} {platform.release()}; "
        f"Python {platform.python_version()}, Flink {version('apache-flink')}, Kafka 4.3.1 on the same machine, "
        "Java 21; Quix Streams 3.28.1, Kafka Streams 4.3.1."
    )


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def write(figures: Mapping[str, Summary], command: str, page: Path = PAGE, chart: Path = CHART) -> None:
    """Puts the measured part of the page anew, and the chart beside it. Raises ValueError when the page has no
    markers."""
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} has no {BEGIN} … {END}")
    body = "\n".join(
        [f"By `{command}` on {machine()}", "", *lines(figures), "", f"![events/s of each contender]({chart.name})"]
    )
    page.write_text(f"{before}{BEGIN}\n{body}\n{END}{after}", encoding="utf-8")
    draw(figures, chart)


def draw(figures: Mapping[str, Summary], chart: Path) -> None:
    """A bar for each contender, with the range of its runs."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    shown = [
        (contender.title, figures[f"{name}_events_per_s"])
        for name, contender in CONTENDERS.items()
        if f"{name}_events_per_s" in figures
    ]
    shown.sort(key=lambda one: one[1].median)
    medians = [found.median for _, found in shown]
    spread = [[found.median - found.min for _, found in shown], [found.max - found.median for _, found in shown]]
    our_titles = {CONTENDERS[name].title for name in ("full", "balance", "whole")}
    ours = [title in our_titles for title, _ in shown]
    figure, axes = plt.subplots(figsize=(9, 0.5 * len(shown) + 1.2))
    axes.barh(
        [title for title, _ in shown],
        medians,
        xerr=spread,
        color=["#c2410c" if own else "#94a3b8" for own in ours],
        error_kw={"elinewidth": 1, "capsize": 3},
    )
    for row, found in enumerate(medians):
        axes.annotate(f" {found:,.0f}", (spread[1][row] + found, row), va="center", fontsize=9)
    axes.set_xscale("log")
    axes.set_xlabel(
        "events/s, parallelism 1 (logarithmic); the full job decides all of the contract, the others add up"
    )
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(chart, dpi=110, metadata={"Software": None})
    plt.close(figure)
