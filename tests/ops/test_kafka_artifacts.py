"""Java archives: what is pinned is what is used."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from ops.errors import Refusal
from ops.java import artifacts
from ops.java.artifacts import Jar, fetch, flink_connector_jar, kafka_classpath, pinned
from ops.java.downloads import NotDownloaded
from ops.java.runtime import java

CONTENT = b"what the repository serves"
SOUND = Jar("org.example:thing:1.0", hashlib.sha256(CONTENT).hexdigest())


class Repository:
    """Stands for a Maven repository; counts what is asked of it."""

    def __init__(self) -> None:
        self.content = CONTENT
        self.asked: list[str] = []
        self.failure: Exception | None = None

    def download(self, coordinates: str, to: Path) -> None:
        self.asked.append(coordinates)
        if self.failure:
            raise self.failure
        to.write_bytes(self.content)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOYALTY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "jars"


@pytest.fixture
def repository(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    stand_in = Repository()
    monkeypatch.setattr(artifacts, "download", stand_in.download)
    return stand_in


def test_a_missing_archive_is_fetched_once_and_said(cache: Path, repository: Repository) -> None:
    said: list[str] = []
    assert fetch([SOUND], said.append) == [cache / "thing-1.0.jar"]
    assert (cache / "thing-1.0.jar").read_bytes() == CONTENT
    assert said[0] == f"Fetching 1 Java archive into {cache}"
    said.clear()
    fetch([SOUND], said.append)
    assert (repository.asked, said) == ([SOUND.coordinates], [])


def test_an_archive_with_another_checksum_is_refused_and_not_kept(cache: Path, repository: Repository) -> None:
    repository.content = b"something else"
    with pytest.raises(Refusal, match=r"org\.example:thing:1\.0 is not the file that was pinned"):
        fetch([SOUND], lambda _line: None)
    assert list(cache.iterdir()) == []


def test_an_archive_that_was_changed_in_the_cache_is_fetched_again(cache: Path, repository: Repository) -> None:
    cache.mkdir(parents=True)
    (cache / "thing-1.0.jar").write_bytes(b"half a fi")
    fetch([SOUND], lambda _line: None)
    assert (cache / "thing-1.0.jar").read_bytes() == CONTENT


def test_a_failed_download_is_one_sentence(repository: Repository) -> None:
    repository.failure = NotDownloaded("no route")
    with pytest.raises(
        Refusal, match=r"^org\.example:thing:1\.0 could not be downloaded.*Check the network"
    ) as refused:
        fetch([SOUND], lambda _line: None)
    assert "\n" not in refused.value.message


def test_two_processes_that_fetch_at_once_both_get_it_whole(tmp_path: Path) -> None:
    # Copies from a folder with a pause in the middle of each file, as a slow network would.
    script = f"""
import os, sys, time
from pathlib import Path
from ops.java import artifacts
from ops.java.artifacts import Jar, fetch

def download(coordinates, to):
    with to.open("wb") as file:
        file.write({CONTENT[:5]!r}); file.flush(); time.sleep(0.5); file.write({CONTENT[5:]!r})

artifacts.download = download
[path] = fetch([Jar({SOUND.coordinates!r}, {SOUND.sha256!r})])
sys.stdout.buffer.write(path.read_bytes())
"""
    environment = {"LOYALTY_CACHE": str(tmp_path), "PATH": ""}
    both = [
        subprocess.Popen(
            [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
        )
        for _ in range(2)
    ]
    for process in both:
        output, errors = process.communicate(timeout=60)
        assert output == CONTENT, errors.decode()
    assert [path.name for path in (tmp_path / "jars").iterdir()] == ["thing-1.0.jar"]


def test_every_pinned_archive_is_there_under_a_name_of_its_own() -> None:
    jars = [jar for group in pinned().values() for jar in group]
    assert len({jar.file_name for jar in jars}) == len(jars)
    assert all(path.is_file() for path in [*kafka_classpath(), flink_connector_jar()])


def test_no_address_of_a_repository_is_in_the_pins() -> None:
    assert "://" not in artifacts.PINS.read_text(encoding="utf-8")


def test_the_java_that_runs_everything_is_java_21() -> None:
    said = subprocess.run([java(), "-version"], capture_output=True, text=True, check=True)
    assert 'version "21.' in said.stderr
