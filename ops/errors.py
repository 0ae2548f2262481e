"""What a command says when it cannot do what was asked, and what its exit code tells a program."""

from enum import IntEnum


class Exit(IntEnum):
    """How `loyalty` ends. `docs/reference/cli.md` lists these."""

    DONE = 0
    """It did what was asked, and found nothing wrong."""
    FOUND = 1
    """It looked, and what it looked at is not as it should be: findings, failed cases, drift, nothing that runs."""
    REFUSED = 2
    """It did not begin: a command line, a file or a setting is wrong, or what it needs is not there."""
    FAILED = 3
    """It began and could not go on: a job, a broker or a delivery failed."""
    INTERRUPTED = 130
    """It was told to stop twice (Ctrl-C), and did not wait for what it had started."""
    TERMINATED = 143
    """The same, by SIGTERM."""


class Refusal(Exception):
    """An expected failure: one sentence that says what is wrong and, where it helps, what to do.

    `loyalty` prints the sentence on standard error and ends with the exit code. Anything else that escapes a command
    is a defect and shows its traceback.
    """

    def __init__(self, message: str, code: Exit = Exit.REFUSED) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
