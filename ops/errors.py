"""What a command says when it cannot do what was asked."""


class Refusal(Exception):
    """An expected failure: one sentence that says what is wrong and, where it helps, what to do.

    `loyalty` prints the sentence on standard error and exits 1. Anything else that escapes a command is a defect and
    shows its traceback.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
