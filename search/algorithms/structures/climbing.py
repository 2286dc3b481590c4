"""Tuning of constants by hill climbing, as trials; and works that go on side by side."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from primitives.program import Program
from search.engine.randomness import Draws
from selection.trials import Trial, Work
from selection.tuning import ConstantSpace

T = TypeVar("T")
Measure = Callable[[Program], Work[float]]


class Climbed(NamedTuple):
    """The best program of a climb, its value, and how many settings were tried."""

    program: Program
    value: float
    trials: int


def climb(
    program: Program, value: float, measure: Measure, trials: int, scales: Sequence[float], draws: Draws
) -> Work[Climbed]:
    """Steps of random sizes around the best setting so far.

    Args:
        program: where to start.
        value: of the measure there.
        measure: what is to be low.
        trials: settings to try.
        scales: standard deviations of a step, in the units of `selection.tuning`, one of which is drawn each time.
        draws: random numbers.
    """
    space = ConstantSpace(program)
    size = len(space.start)
    if not size:
        return Climbed(program, value, 0)
    best, point = program, space.start
    for _ in range(trials):
        scale = draws.choice(scales)
        normals = np.array([draws.normal() for _ in range(size)])
        uniforms = np.array([draws.uniform() for _ in range(size)])
        tried = space.near(point, normals, uniforms, scale)
        draft = space.program(tried)
        found = yield from measure(draft)
        if found < value:
            best, point, value = draft, tried, found
    return Climbed(best, value, trials)


def side_by_side(works: Sequence[Work[T]]) -> Work[list[T]]:
    """Several works as one: each round asks for the trials of all that are not at their end."""
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
