"""What an operator sends: pairs of an output's number and a value.

Output 0 is the main one; the others are the side outputs, in the order in which the job's topology names them. Flink's
rows and tuples are plain tuples here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

MAIN = 0

Sent = Iterable[tuple[int, Any]]
