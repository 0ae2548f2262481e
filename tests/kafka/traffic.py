"""Traffic that goes on while a job is killed, however slow the machine is: the last of it waits for the kill."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ops.kafka.sending import Sender

Message = tuple[str, bytes | None, bytes | None]
"""Topic, key, value."""

TIMES_A_SECOND = 20


def send(bootstrap: str, messages: Sequence[Message], a_second: int | None = None) -> None:
    """Sends them in order: as fast as it goes, or evenly so many a second."""
    with Sender(bootstrap) as sender:
        for number, (topic, key, value) in enumerate(messages, 1):
            sender.send(topic, key, value)
            if a_second is not None and number % (a_second // TIMES_A_SECOND) == 0:
                sender.poll()
                time.sleep(1 / TIMES_A_SECOND)


@contextmanager
def flowing(bootstrap: str, messages: Sequence[Message], a_second: int, held_back: int) -> Iterator[None]:
    """They are sent while the block runs, so many a second; the last `held_back` of them only behind it."""
    over = threading.Event()

    def send_all() -> None:
        send(bootstrap, messages[:-held_back], a_second)
        over.wait()
        send(bootstrap, messages[-held_back:])

    traffic = threading.Thread(target=send_all)
    traffic.start()
    try:
        yield
    finally:
        over.set()
        traffic.join()
