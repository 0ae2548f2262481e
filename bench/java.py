"""The Java peers: compiled by Eclipse's compiler, which is one archive and needs no more than a Java runtime.

`python -m bench.java --pin` resolves the roots of `artifacts.yaml` again.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from bench.ground import FOLDER
from ops.errors import Refusal
from ops.flink.processes import flink_home
from ops.java.artifacts import fetch, flink_connector_jar, pin, pinned
from ops.java.runtime import java

PINS = Path(__file__).with_name("artifacts.yaml")
SOURCES = Path(__file__).with_name("peers") / "java"
# Flink reaches into these packages of the JDK; its own configuration opens them in the same way.
_OPEN = tuple(
    f"--add-opens=java.base/java.{package}=ALL-UNNAMED"
    for package in ("lang", "net", "io", "nio", "lang.reflect", "text", "time", "util", "util.concurrent")
)


def datastream_command() -> list[str]:
    """The command line of the DataStream peer, all but its two words."""
    jars = [*sorted((flink_home() / "lib").glob("*.jar")), flink_connector_jar()]
    return _command("DataStreamBalance", jars, *_OPEN)


def streams_command() -> list[str]:
    """The command line of the Kafka Streams peer, all but its two words."""
    return _command(
        "KafkaStreamsBalance", fetch(pinned(PINS)["kafka-streams"]), "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
    )


def _command(name: str, jars: list[Path], *options: str) -> list[str]:
    classes = _compiled(SOURCES / f"{name}.java", jars)
    path = os.pathsep.join(str(part) for part in (classes, *jars))
    return [str(java()), *options, "-cp", path, name]


def _compiled(source: Path, jars: list[Path]) -> Path:
    """The folder of its classes, compiled anew when it has changed. Raises Refusal."""
    mark = hashlib.sha256(source.read_bytes()).hexdigest()[:12]
    classes = (FOLDER / f"{source.stem}-{mark}").absolute()
    if classes.exists():
        return classes
    compiler = fetch(pinned(PINS)["compiler"])[0]
    path = os.pathsep.join(map(str, jars))
    half = classes.with_name(classes.name + ".new")
    command = [str(java()), "-jar", str(compiler), "-17", "-proc:none", "-nowarn", "-cp", path, "-d", str(half)]
    done = subprocess.run([*command, str(source)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Refusal(f"{source} does not compile:\n{done.stdout}{done.stderr}")
    half.replace(classes)
    return classes


if __name__ == "__main__":
    if sys.argv[1:] != ["--pin"]:
        sys.exit("python -m bench.java --pin")
    pin(PINS, "python -m bench.java --pin")
