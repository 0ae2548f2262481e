"""`python -m ops.setup.make_class_archives`: the archives of `ops.java.class_archives`, the broker's and Flink's."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from ops.errors import Refusal
from ops.flink import gateway
from ops.generate.send import traffic_records
from ops.generate.settings import Traffic
from ops.java.class_archives import BROKER, FOLDER, GATEWAY, LISTS, archive_of, list_of
from ops.java.runtime import java
from ops.kafka import broker as kafka
from ops.kafka.sending import Sender
from ops.own_command import own_command
from ops.topics.catalogue import read_catalogue
from ops.topics.plan import apply

EVENTS = Traffic(seed=1, events=500, accounts=20)
MODELS = ("points_liability_daily", "spend_by_tier_hourly")
"""What they need of Flink's planner and its operators is most of what any model needs."""
CLASS_PATHS = {BROKER: kafka.class_path, GATEWAY: gateway.class_path}


def make() -> None:
    """Runs a broker, the decision job and models for a moment, and keeps what they have read. Raises Refusal."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="making-", dir=FOLDER) as folder:
        lists = Path(folder)
        _read_classes(lists)
        class_paths = {name: find() for name, find in CLASS_PATHS.items()}
        dumps = [_dump(lists, name, path) for name, path in class_paths.items()]
        # The classes of Java itself, for every other JVM.
        dumps.append(_java(lists, "-Xshare:dump"))
        # All have ended before one is complained of, since they write into this folder.
        said = [dump.communicate()[0].strip() for dump in dumps]
        for dump, text in zip(dumps, said, strict=True):
            if dump.returncode != 0:
                raise Refusal(f"Java ended with code {dump.returncode}: {text}")
        for name in class_paths:
            _half_of(lists, name).replace(archive_of(name))


def _read_classes(lists: Path) -> None:
    of_models = lists / "models"
    of_models.mkdir()
    _run(of_models, ["sql", "test", *MODELS])
    os.environ[LISTS] = str(lists)
    try:
        with kafka.LocalKafka(lists / "broker") as broker:
            apply(broker.bootstrap, read_catalogue())
            with Sender(broker.bootstrap) as sender:
                for record in traffic_records(EVENTS):
                    sender.send(record.topic, record.key, record.value)
            words = ["run", "decisions", "--bootstrap", broker.bootstrap, "--state", str(lists / "state")]
            _run(lists, [*words, "--until-end"])
    finally:
        del os.environ[LISTS]
    with list_of(lists, GATEWAY).open("a", encoding="utf-8") as all_of_them:
        all_of_them.write(list_of(of_models, GATEWAY).read_text(encoding="utf-8"))


def _run(lists: Path, words: list[str]) -> None:
    done = subprocess.run(
        own_command(words),
        env={**os.environ, LISTS: str(lists)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise Refusal(f"`loyalty {words[0]} {words[1]}` ended with code {done.returncode}: {done.stderr.strip()}")


def _dump(lists: Path, name: str, class_path: str) -> subprocess.Popen[str]:
    wanted = lists / f"{name}.wanted"
    with list_of(lists, name).open(encoding="utf-8") as lines:
        wanted.write_text("".join(of_class_path(lines)), encoding="utf-8")
    files = f"-XX:SharedClassListFile={wanted}", f"-XX:SharedArchiveFile={_half_of(lists, name)}"
    return _java(lists, "-Xshare:dump", *files, "-cp", class_path)


def of_class_path(lines: Iterable[str]) -> Iterator[str]:
    """The lines of a class list that are of the class path, not of a class loader that a program made.

    Java 21 could keep the others too, but loses inner classes of some, at which Calcite's compiler stumbles. Only
    the others are referred to by numbers; those of two runs would be the same.
    """
    return (re.sub(r" id: \d+$", "", line) for line in lines if " source: " not in line)


def _half_of(lists: Path, name: str) -> Path:
    return lists / archive_of(name).name


def _java(folder: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [java(), "-Xlog:disable", "-Xlog:all=error", *options],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def main() -> None:
    print("Preparing Java's classes, so that whatever is started starts sooner (half a minute)", flush=True)
    try:
        make()
    except (Refusal, OSError) as problem:
        print(f"They could not be prepared; everything works without. {problem}", file=sys.stderr)


if __name__ == "__main__":
    main()
