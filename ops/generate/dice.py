"""Chance from one seed.

Everything is made from `random()`, the one method whose results Python promises to keep from version to version.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Dice:
    def __init__(self, seed: str) -> None:
        self.roll = random.Random(seed).random

    def below(self, limit: int) -> int:
        """0 … limit - 1."""
        return int(self.roll() * limit)

    def between(self, least: int, most: int) -> int:
        """Both included."""
        return least + int(self.roll() * (most - least + 1))

    def pick(self, choices: Sequence[T]) -> T:
        return choices[int(self.roll() * len(choices))]

    def gap(self, mean: float) -> float:
        """Until the next of events that come independently of each other."""
        return -math.log(1.0 - self.roll()) * mean
