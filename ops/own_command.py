"""The `loyalty` command as a process of its own, in the same Python as this one."""

import sys
from collections.abc import Iterable


def own_command(words: Iterable[str]) -> list[str]:
    """The command line of `loyalty WORDS…`."""
    # -P: what happens to lie in the working directory is not ours to run.
    return [sys.executable, "-P", "-c", "import sys; from ops.cli import main; sys.exit(main())", *words]
