"""The table format of `sql/format/` as a jar: compiled when it is first needed, kept beside Flink's other jars.

Flink's own compiler of generated code (Janino) compiles it, in a Java of its own, so no JDK is needed. The compiler
knows no lambdas and no type arguments.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from ops.errors import Refusal
from ops.java.class_archives import FOLDER

SERVICE = "META-INF/services/org.apache.flink.table.factories.Factory"
FACTORY = "loyalty.sql.LoyaltyJsonFactory"
JAVA_VERSION = 11
"""The oldest that Flink 2 runs on."""
_ALWAYS = (1980, 1, 1, 0, 0, 0)


def format_jar(java_variables: Mapping[str, str]) -> Path:
    """The jar; it is made if it is not there yet.

    Args:
        java_variables: the environment variables under which PyFlink starts a Java with Flink's jars.

    Raises Refusal when it cannot be compiled, or not be written.
    """
    jar = FOLDER / f"loyalty-table-format-{_digest()}.jar"
    if not jar.is_file():
        done = subprocess.run(
            [sys.executable, "-m", "ops.flink.table_format", str(jar)],
            env={**os.environ, **java_variables, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise Refusal(f"The table format of sql/format could not be compiled: {done.stderr.strip()}")
    return jar


def with_format(connector: Path, format_jar: Path, into: Path) -> Path:
    """A copy of the connector's jar that has the format in it, since `flink run` takes one jar. Gives its path."""
    path = into / f"{connector.stem}+format.jar"
    with zipfile.ZipFile(connector) as one, zipfile.ZipFile(format_jar) as other, zipfile.ZipFile(path, "w") as both:
        for entry in one.infolist():
            content = one.read(entry)
            both.writestr(entry, content + other.read(SERVICE) if entry.filename == SERVICE else content)
        for entry in other.infolist():
            if entry.filename != SERVICE:
                both.writestr(entry, other.read(entry))
    return path


def _sources() -> dict[str, bytes]:
    found = sorted((files("sql") / "format").iterdir(), key=lambda each: each.name)
    return {each.name: each.read_bytes() for each in found if each.name.endswith(".java")}


def _digest() -> str:
    """Another source, or another way to compile it, is another jar."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for name, text in _sources().items():
        digest.update(name.encode() + b"\0" + text + b"\0")
    return digest.hexdigest()[:16]


def _make(jar: Path) -> None:
    jar.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="making-", dir=jar.parent) as temporary:
        folder = Path(temporary)
        for name, text in _sources().items():
            (folder / name).write_bytes(text)
        _compile(folder, folder / "classes")
        half = folder / jar.name
        with zipfile.ZipFile(half, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr(zipfile.ZipInfo(SERVICE, _ALWAYS), f"\n{FACTORY}\n")
            for path in sorted((folder / "classes").rglob("*.class")):
                name = path.relative_to(folder / "classes").as_posix()
                packed.writestr(zipfile.ZipInfo(name, _ALWAYS), path.read_bytes())
        half.replace(jar)


def _compile(sources: Path, classes: Path) -> None:
    from pyflink.java_gateway import get_gateway

    gateway = get_gateway()
    jvm: Any = gateway.jvm
    janino = jvm.org.codehaus.janino
    compiler = janino.Compiler()
    compiler.setSourceVersion(JAVA_VERSION)
    compiler.setTargetVersion(JAVA_VERSION)
    loader = jvm.java.lang.Thread.currentThread().getContextClassLoader()
    compiler.setIClassLoader(janino.ClassLoaderIClassLoader(loader))
    compiler.setDestinationDirectory(jvm.java.io.File(str(classes)), False)
    paths = sorted(sources.glob("*.java"))
    of_java = gateway.new_array(jvm.java.io.File, len(paths))
    for at, path in enumerate(paths):
        of_java[at] = jvm.java.io.File(str(path))
    compiler.compile(of_java)


if __name__ == "__main__":
    _make(Path(sys.argv[1]))
