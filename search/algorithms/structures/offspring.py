"""Breeding and simplification of children: the part of a generation that needs no training.

An answer depends on its request alone: on the incumbents at the beginning of a generation, and on random numbers whose
key holds the number of the child. Another process therefore gives the same answer, and the history depends on neither
the number of helper processes nor their speed.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol

from primitives import Primitive, Program, live_part
from search.algorithms.structures.breeding import Breeder, Child
from search.algorithms.structures.cells import Front
from search.algorithms.structures.corpus import corpus
from search.algorithms.structures.identity import structure_of
from search.algorithms.structures.operators import Material
from search.algorithms.structures.prior import Prior
from search.engine import Draws
from search.settings import StructureSettings
from simplify import SEARCH, simplify

_BREEDING = 0  # key of the random numbers of breeding; those of the stages are 1, 2, …


class Breeding(NamedTuple):
    """Request for children; the answer is a list of `Offspring`, which ends before a number without a valid draft.

    Attributes:
        front: the incumbents.
        key: seed and repeat.
        numbers: numbers of the children.
    """

    front: Front
    key: tuple[int, int]
    numbers: range


class Simplification(NamedTuple):
    """Request for the live part of the exactly simplified form of a program."""

    program: Program


class Offspring(NamedTuple):
    """A child that was bred.

    Attributes:
        parent: rank of its parent in `Front.ranked`, from 0.
        child: the child.
        structure: digest of its structure.
    """

    parent: int
    child: Child
    structure: str


class Nursery:
    """Breeds and simplifies children.

    Args:
        settings: settings of the algorithm.
        primitives: functions that may be inserted.
    """

    def __init__(self, settings: StructureSettings, primitives: Sequence[Primitive]) -> None:
        self._settings, self._corpus = settings, corpus(settings.corpus)
        self._prior = Prior(primitives, self._corpus, settings.uniform)
        self._breeder = Breeder(settings.operators.model_dump(), settings.twice)

    def answer(self, request: Breeding | Simplification) -> Any:  # noqa: ANN401 - see the two kinds of requests
        """The answer to a request."""
        if isinstance(request, Simplification):
            return live_part(simplify(request.program, SEARCH).program)
        found: list[Offspring] = []
        for number in request.numbers:
            offspring = self._bred(request.front, Draws(*request.key, number, _BREEDING))
            if offspring is None:
                break
            found.append(offspring)
        return found

    def _bred(self, front: Front, draws: Draws) -> Offspring | None:
        """Breed one child of an incumbent; `None` if no draft is valid."""
        parent, ranked = front.parent(draws), front.ranked()
        programs = tuple(incumbent.program for incumbent in ranked)
        material = Material(self._prior, programs, self._corpus, self._settings.state, self._settings.homologous)
        child = self._breeder.child(parent.program, material, draws)
        if child is None:
            return None
        rank = next(rank for rank, incumbent in enumerate(ranked) if incumbent is parent)
        return Offspring(rank, child, structure_of(child.program))


class Helpers(Protocol):
    """Protocol of processes that answer the requests of a search."""

    @property
    def count(self) -> int:
        """Number of requests that are answered at the same time."""

    def ask(self, request: Breeding | Simplification) -> Callable[[], Any]:
        """Send a request; returns a function that waits for the answer and returns it."""


class NoHelpers:
    """Answers requests in this process, when the answer is needed.

    Args:
        nursery: gives the answers.
    """

    count = 1

    def __init__(self, nursery: Nursery) -> None:
        self._nursery = nursery

    def ask(self, request: Breeding | Simplification) -> Callable[[], Any]:
        """Return a function that computes the answer."""
        return partial(self._nursery.answer, request)


def bred_by(helpers: Helpers, front: Front, key: tuple[int, int], numbers: range) -> list[Offspring]:
    """Breed the children of a generation, each helper a part of them.

    Args:
        helpers: processes.
        front: the incumbents.
        key: seed and repeat.
        numbers: numbers of the children.

    Returns:
        The children in order of number, up to the first number of which no draft is valid.
    """
    size = -(-len(numbers) // helpers.count)
    parts = [numbers[place : place + size] for place in range(0, len(numbers), size)]
    waits = [helpers.ask(Breeding(front, key, part)) for part in parts]
    found: list[Offspring] = []
    for part, wait in zip(parts, waits, strict=True):
        found += (some := wait())
        if len(some) < len(part):
            break
    return found
