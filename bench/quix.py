"""Quix Streams, in a virtual environment of its own: it asks for other versions of what we use."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import venv
from pathlib import Path

from bench.ground import FOLDER
from ops.errors import Refusal

LOCK = Path(__file__).with_name("quix-requirements.txt")
"""Made by `uv pip compile --universal --generate-hashes --no-emit-index-url --python-version 3.11`: it needs 3.11 at
least."""


def command() -> list[str]:
    """The command line of the Quix Streams peer, all but its two words."""
    return [str(_python()), str(Path(__file__).with_name("peers") / "quix.py")]


def _python() -> Path:
    """The Python that has it, installed if need be. Raises Refusal."""
    mark = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = (FOLDER / f"quix-{mark}").absolute()
    python = folder / "bin" / "python"
    ready = folder / "ready"
    if not ready.exists():
        venv.create(folder, with_pip=True, clear=True)
        words = ["-m", "pip", "install", "--quiet", "--no-input", "--require-hashes", "-r", str(LOCK)]
        done = subprocess.run([str(python), *words], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Refusal(f"Quix Streams could not be installed:\n{done.stderr}")
        ready.touch()
    return python
