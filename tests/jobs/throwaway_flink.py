"""Flink's settings for a script that starts one by itself, in a folder that goes with it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ops.flink.gateway import settings_of_gateway


@contextmanager
def throwaway_flink() -> Iterator[None]:
    """To be entered before the first environment is made; for the rest of the process."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        os.environ.update(settings_of_gateway(folder, folder / "log" / "flink.log"))
        yield
