"""The Java artifacts: Kafka's broker and Flink's Kafka connector, pinned in `artifacts.yaml` and kept in a cache.

`python -m ops.java.artifacts` fetches what is missing. `python -m ops.java.artifacts --pin` resolves the roots of
`artifacts.yaml` again, after somebody has changed a version there, and writes the jars they need with their checksums;
the change is then reviewed like any other.
"""

import hashlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import yaml

from ops.errors import Exit, Refusal
from ops.java.downloads import REPOSITORY_VARIABLE, NotDownloaded, download, repository, shown_repository

PINS = Path(__file__).with_name("artifacts.yaml")


@dataclass(frozen=True)
class Jar:
    """One pinned file: Maven coordinates `group:artifact:version` and the SHA-256 of its bytes, in hex."""

    coordinates: str
    sha256: str

    @property
    def file_name(self) -> str:
        _, artifact, version = self.coordinates.split(":")
        return f"{artifact}-{version}.jar"


def kafka_classpath(say: Callable[[str], None] | None = None) -> list[Path]:
    """The verified jars that the Kafka broker needs on its class path."""
    return fetch(pinned()["kafka"], say=say)


def flink_connector_jar(say: Callable[[str], None] | None = None) -> Path:
    """The verified jar of Flink's Kafka connector (the shaded one, whose packages PyFlink names)."""
    return fetch(pinned()["flink-connector"], say=say)[0]


def pinned(pins_file: Path = PINS) -> Mapping[str, list[Jar]]:
    """Every jar that a file pins, by group: `kafka` and `flink-connector` in our own."""
    jars = yaml.safe_load(pins_file.read_text(encoding="utf-8"))["jars"]
    return {group: [Jar(coordinates, sha256) for coordinates, sha256 in pins.items()] for group, pins in jars.items()}


def cache_dir() -> Path:
    """Where fetched jars are kept: `LOYALTY_CACHE`, else a folder of ours in the user's cache."""
    if own := os.environ.get("LOYALTY_CACHE"):
        return Path(own).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "loyalty-decision-loop"


def fetch(jars: Iterable[Jar], say: Callable[[str], None] | None = None) -> list[Path]:
    """Brings every jar into the cache and gives the paths in order. What is there and sound is not fetched again.

    A jar is downloaded beside the cache, checked, and only then moved to its name in one step, so a reader never sees
    half a file and two processes that fetch the same jar at once do not disturb each other.

    Args:
        jars: what to bring.
        say: receives one line at a time about downloads; nothing is said when nothing is missing.

    Raises:
        Refusal: a download failed, or its bytes are not those that were pinned.
    """
    jars = list(jars)
    folder = cache_dir() / "jars"
    missing = [jar for jar in jars if not _is_sound(folder / jar.file_name, jar)]
    if missing:
        _download(missing, folder, say or (lambda line: print(line, file=sys.stderr, flush=True)))
    return [folder / jar.file_name for jar in jars]


def _download(missing: list[Jar], folder: Path, say: Callable[[str], None]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.TemporaryDirectory(prefix="fetching-", dir=folder) as temporary,
            ThreadPoolExecutor(max_workers=6) as pool,
        ):
            say(f"Fetching {_count(len(missing), 'Java archive')} into {folder}")
            done = pool.map(lambda jar: _download_one(jar, Path(temporary), folder), missing)
            for number, _ in enumerate(done, start=1):
                if number % 10 == 0 or number == len(missing):
                    say(f"  {number} of {len(missing)}")
    except OSError as problem:
        raise Refusal(f"The Java archives cannot be kept in {folder}: {problem}.") from problem


def _download_one(jar: Jar, temporary: Path, folder: Path) -> None:
    path = temporary / jar.file_name
    try:
        download(jar.coordinates, path)
    except NotDownloaded as problem:
        raise Refusal(
            f"{jar.coordinates} could not be downloaded from {shown_repository()}: {problem}. Check the network, or "
            f"name a mirror in {REPOSITORY_VARIABLE}, and run the command again.",
            Exit.FAILED,
        ) from problem
    found = _sha256(path)
    if found != jar.sha256:
        raise Refusal(
            f"{jar.coordinates} is not the file that was pinned (SHA-256 {found} instead of {jar.sha256}); "
            "it was not kept."
        )
    path.replace(folder / jar.file_name)


def _is_sound(path: Path, jar: Jar) -> bool:
    return path.is_file() and _sha256(path) == jar.sha256


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def pin(pins_file: Path = PINS, made_by: str = "python -m ops.java.artifacts --pin") -> None:
    """Resolves the roots of a file and writes it anew, with the checksum of every jar."""
    import truststore
    from jgo.maven import MavenContext

    truststore.inject_into_ssl()
    pins = yaml.safe_load(pins_file.read_text(encoding="utf-8"))
    jars: dict[str, dict[str, str]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        context = MavenContext(
            repo_cache=Path(temporary), local_repos=[], remote_repos={"central": repository()}, timeout=60
        )
        for group, roots in pins["roots"].items():
            wanted, behind = context.resolver.resolve([context.create_dependency(root) for root in roots])
            jars[group] = {
                f"{found.groupId}:{found.artifactId}:{found.version}": _sha256(found.artifact.resolve())
                for found in [*wanted, *sorted(behind, key=lambda d: (d.groupId, d.artifactId))]
            }
    pins_file.write_text(
        f"# What `roots` resolved to, with the SHA-256 of every jar; made by `{made_by}`.\n"
        + yaml.safe_dump({"roots": pins["roots"], "jars": jars}, sort_keys=False, width=200),
        encoding="utf-8",
    )


def main() -> int:
    try:
        if sys.argv[1:] == ["--pin"]:
            pin()
        for jars in pinned().values():
            fetch(jars)
    except Refusal as refusal:
        print(refusal, file=sys.stderr)
        return refusal.code
    return 0


if __name__ == "__main__":
    sys.exit(main())
