"""A bound on work that is counted, so that the same program ends with the same result on every machine.

One unit is one small step: a node that is made, a pattern that is tried on a node, a statement that is written. A
unit takes one to three microseconds on a core of 2024. Whoever works calls `spend`, which raises `Exhausted` once the
units are used up; whoever holds a result that is complete in itself catches it, and goes on with that result.
"""

from collections.abc import Iterator
from contextlib import contextmanager

THOROUGH = 200_000  # for a program that somebody looks at: about a second
SEARCH = 10_000  # for each of many thousand programs of a search: under 50 ms

DEEPEST = 40  # rewritings inside one another; the rules lead to a dozen on programs of a hundred statements


class Exhausted(Exception):  # noqa: N818 - it says what happened, and no caller takes it for an error
    """The units of work are used up."""


class Work:
    """Units of work that are left.

    Args:
        limit: how many there are.
    """

    def __init__(self, limit: int = THOROUGH) -> None:
        self.left = limit
        self.depth = 0

    def spend(self, units: int = 1) -> None:
        """Use up some units.

        Raises:
            Exhausted: there are not as many.
        """
        self.left -= units
        if self.left < 0:
            raise Exhausted

    @contextmanager
    def at_most(self, units: int) -> Iterator[None]:
        """A part of the work: inside, `units` are all that there is; what of them is left is left afterwards."""
        kept = max(0, self.left - units)
        self.left -= kept
        try:
            yield
        finally:
            self.left = max(0, self.left) + kept
