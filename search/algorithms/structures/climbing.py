"""Tuning of constants by hill climbing, as trials; and several works run side by side."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from primitives import Program
from search.engine import Draws
from selection import ConstantSpace, SeedFitness, Trial, Work

T = TypeVar("T")
Measure = Callable[[Program, float], Work[SeedFitness]]  # `(program, hurdle) -> fitness`; the hurdle is on first seeds

_BEHIND = 0.1  # margin of the hurdle: largest distance from the best setting so far on the first seeds


class Climbed(NamedTuple):
    """The best program of a climb, its fitness, and the number of settings that were tried."""

    program: Program
    fitness: float
    trials: int


def climb(program: Program, measure: Measure, trials: int, scales: Sequence[float], draws: Draws) -> Work[Climbed]:
    """Minimise a fitness over the constants of a program by random steps from the best setting so far.

    Args:
        program: starting point, which is measured first.
        measure: fitness to minimise.
        trials: number of settings to try.
        scales: standard deviations of a step, in the units of `selection.tuning`; each step draws one.
        draws: random numbers.
    """
    lowest = yield from measure(program, math.inf)
    space = ConstantSpace(program)
    size = len(space.start)
    if not size:
        return Climbed(program, lowest.fitness, 0)
    best, point = program, space.start
    for _ in range(trials):
        scale = draws.choice(scales)
        normals = np.array([draws.normal() for _ in range(size)])
        uniforms = np.array([draws.uniform() for _ in range(size)])
        tried = space.near(point, normals, uniforms, scale)
        draft = space.program(tried)
        found = yield from measure(draft, lowest.first_fitness + _BEHIND)
        if found.fitness < lowest.fitness:
            best, point, lowest = draft, tried, found
    return Climbed(best, lowest.fitness, trials)


def side_by_side(works: Sequence[Work[T]]) -> Work[list[T]]:
    """Combine several generators of trials into one that yields the trials of all unfinished ones at once."""
    results: dict[int, T] = {}
    wanted: dict[int, list[Trial]] = {}

    def step(index: int, losses: list[np.ndarray] | None) -> None:
        try:
            wanted[index] = works[index].send(losses)  # type: ignore[arg-type]  # None begins
        except StopIteration as end:
            wanted.pop(index, None)
            results[index] = end.value

    for index in range(len(works)):
        step(index, None)
    while wanted:
        asked = list(wanted.items())
        losses = yield [trial for _, trials in asked for trial in trials]
        place = 0
        for index, trials in asked:
            step(index, losses[place : place + len(trials)])
            place += len(trials)
    return [results[index] for index in range(len(works))]
