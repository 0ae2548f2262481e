"""What a command says when it cannot do what was asked, and what its exit code tells a program."""

from __future__ import annotations

from enum import IntEnum
from typing import Self


class Exit(IntEnum):
    """How `loyalty` ends."""

    meaning: str

    def __new__(cls, code: int, meaning: str) -> Self:
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    DONE = 0, "It did what was asked, and found nothing wrong."
    FOUND = 1, "It looked, and what it saw is not as it should be: findings, failed cases, drift, nothing that runs."
    REFUSED = 2, "It did not begin: the command line, a file or a setting is wrong, or what it needs is not there."
    FAILED = 3, "It began and could not go on: a job, a broker or a delivery failed."
    INTERRUPTED = 130, "It was told to stop a second time (Ctrl-C), and waited no longer for what it had started."
    TERMINATED = 143, "It was told to stop by SIGTERM where only that ends it, or a second time."


class Refusal(Exception):
    """An expected failure: one sentence that says what is wrong and, where it helps, what to do.

    `loyalty` prints the sentence on standard error and ends with the exit code. Anything else that escapes a command
    is a defect and shows its traceback.
    """

    def __init__(self, message: str, code: Exit = Exit.REFUSED) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
