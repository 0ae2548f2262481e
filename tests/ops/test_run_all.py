"""`loyalty run all`: the jobs' lines, and how all of them stop. Other commands stand for the jobs."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from ops.errors import Refusal
from ops.jobs.run_all import Part, supervise
from tests.jobs.running import ROOT

SOUND = Part("sound", ["program", "check"])
WRONG = Part("wrong", ["program", "check", "no-such-folder"])


def _goes_on(bootstrap: str) -> Part:
    """A command that ends only when it is asked to."""
    return Part("watching", ["watch", "--bootstrap", bootstrap])


def test_each_line_stands_behind_the_name_of_its_job() -> None:
    said: list[str] = []
    supervise([SOUND, Part("too", ["program", "check"])], said.append)
    assert sorted(line.split(":")[0] for line in said) == [
        "sound | The programme is sound",
        "too   | The programme is sound",
    ]


def test_when_one_fails_the_others_are_stopped_and_it_is_named(loyalty_topics: str) -> None:
    said: list[str] = []
    with pytest.raises(Refusal, match=r"The job wrong ended with exit code 2; the others were stopped\."):
        supervise([_goes_on(loyalty_topics), WRONG], said.append)
    assert any("no-such-folder" in line for line in said)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_stop_it_stops_all_cleanly(loyalty_topics: str, number: signal.Signals) -> None:
    program = (
        "import sys; from ops.jobs.run_all import Part, supervise\n"
        f"print('begins', flush=True); supervise([Part(name, {_goes_on(loyalty_topics).words!r}) for name in 'ab'])"
    )
    process = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "begins\n"
    # The commands have to be there before they can be asked.
    threading.Event().wait(4)
    process.send_signal(number)
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "")


def test_when_it_is_killed_its_jobs_end_too(loyalty_topics: str) -> None:
    program = (
        "import sys; from ops.jobs.run_all import Part, supervise\n"
        f"print('begins', flush=True); supervise([Part(name, {_goes_on(loyalty_topics).words!r}) for name in 'ab'])"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begins\n"
        threading.Event().wait(4)
        jobs = psutil.Process(process.pid).children(recursive=True)
        assert len(jobs) == 2
        process.kill()
        process.wait()
    assert psutil.wait_procs(jobs, timeout=30)[1] == []


def test_a_fresh_until_end_runs_offers_and_then_decisions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from ops.jobs import run_all

    ran: list[list[Part]] = []
    ends_by_itself = True

    def supervised(parts: Sequence[Part]) -> bool:
        ran.append(list(parts))
        return ends_by_itself

    monkeypatch.setattr(run_all, "supervise", supervised)
    run_all.run_all_command("127.0.0.1:1", until_end=True, state=tmp_path, fresh=True)
    assert [[part.name for part in parts] for parts in ran] == [["offers"], ["decisions"]]
    for (part,) in ran:
        assert {"--until-end", "--fresh", str(tmp_path / part.name)} <= set(part.words)
    run_all.run_all_command("127.0.0.1:1", until_end=False, state=tmp_path, fresh=False)
    assert [part.name for part in ran[-1]] == ["decisions", "offers", "context"]
    run_all.run_all_command("127.0.0.1:1", state=tmp_path, context=False)
    assert [part.name for part in ran[-1]] == ["decisions", "offers"]
    ends_by_itself = False
    run_all.run_all_command("127.0.0.1:1", until_end=True, state=tmp_path)
    assert [part.name for part in ran[-1]] == ["offers"], "told to stop, it does not begin with the decisions"
