"""`python -m tests.domain.mutations`: changes the rules one place at a time, and says which changes nobody notices.

The result goes to docs/reference/mutations.md: all of it, or with `--file` the sections of these files. `--short` tries
a sample, always the same one as long as the code is the same, and writes nothing. Exits 1 when a change was not noticed
and is not in `equivalent.yaml`, with the reason why it changes nothing.
"""

from __future__ import annotations

import argparse
import sys

from tests.domain.mutations.run import Extent, run

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.domain.mutations", description=__doc__)
    parser.add_argument("--file", action="append", default=[], help="a file of loyalty/; may come again")
    parser.add_argument("--short", type=int, metavar="PERCENT", help="try this share of the changes only")
    parser.add_argument("--histories", type=int, default=100, help="how many histories of accounts are drawn")
    parser.add_argument("--at-once", type=int, default=2, help="how many changes are tried at once")
    given = parser.parse_args()
    sys.exit(run(Extent(given.file, given.short, given.histories, given.at_once)))
