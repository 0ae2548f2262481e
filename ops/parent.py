"""Ending with the process that started this one, whatever ends that: even SIGKILL closes its end of a pipe."""

from __future__ import annotations

import os
import signal
import threading

PARENT = "LOYALTY_PARENT"
"""The environment variable that names the descriptor of the pipe."""


def end_with_parent() -> None:
    """Asks this process to stop as SIGTERM does once its parent is gone, where it has been given one to watch."""
    descriptor = os.environ.pop(PARENT, None)
    if descriptor is not None:
        os.set_inheritable(int(descriptor), False)
        threading.Thread(target=_watch, args=(int(descriptor),), daemon=True).start()


def _watch(descriptor: int) -> None:
    os.read(descriptor, 1)  # nothing is ever written: it ends when the parent does
    os.kill(os.getpid(), signal.SIGTERM)
