"""A budget of counted work. Unlike a time limit, it gives the same result on every machine.

A unit is one small step: a node is made, a pattern is tried on a node, or a statement is written. It takes one to three
microseconds on a core of 2024. `Work.spend` raises `Exhausted` when the units are used up; callers that hold a complete
intermediate result catch it and return that result.
"""

from collections.abc import Iterator
from contextlib import contextmanager

THOROUGH = 200_000  # units for a single program: about a second
SEARCH = 10_000  # units for each of many thousand programs in a search: under 50 ms

DEEPEST = 40  # nested rewritings; programs of a hundred statements need a dozen


class Exhausted(Exception):  # noqa: N818 - a limit, which callers handle, and not an error
    """Raised when the units of work are used up."""


class Work:
    """A budget of units of work.

    Args:
        limit: number of units.
    """

    def __init__(self, limit: int = THOROUGH) -> None:
        self.left = limit
        self.depth = 0

    def spend(self, units: int = 1) -> None:
        """Use up some units.

        Raises:
            Exhausted: fewer units are left.
        """
        self.left -= units
        if self.left < 0:
            raise Exhausted

    @contextmanager
    def at_most(self, units: int) -> Iterator[None]:
        """Limit the work inside a `with` block to some units; unused ones are returned at its end."""
        kept = max(0, self.left - units)
        self.left -= kept
        try:
            yield
        finally:
            self.left = max(0, self.left) + kept
