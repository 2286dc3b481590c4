"""Tournaments and ageing of the population, and the rolling hurdle."""

from collections import Counter

import pytest

from primitives import builtin
from proxy_tasks.fitness import Status
from search.algorithms.evolution import Population
from search.engine.candidate import HistoryEntry
from search.engine.hurdle import Hurdle
from search.engine.randomness import Draws


def member(number: int, fitness: float) -> HistoryEntry:
    return HistoryEntry(number, "", builtin("sgd"), "", fitness, fitness, Status.OK, "", None, None)


def population(*fitnesses: float) -> Population:
    filled = Population(len(fitnesses), member(0, fitnesses[0]))
    for number, fitness in enumerate(fitnesses):
        filled.add(member(number, fitness))
    return filled


def test_a_large_tournament_is_won_by_the_best() -> None:
    assert population(3.0, 1.0, 2.0).tournament(60, Draws(0)).number == 1


def test_a_tournament_of_one_is_a_uniform_draw() -> None:
    filled = population(3.0, 1.0, 2.0)
    counts = Counter(filled.tournament(1, Draws(n)).number for n in range(3000))
    assert all(count == pytest.approx(1000, rel=0.12) for count in counts.values())
    assert len(counts) == 3


def test_of_equals_the_first_drawn_wins() -> None:
    filled = population(1.0, 1.0, 1.0)
    for number in range(50):
        assert filled.tournament(4, Draws(number)).number == Draws(number).integer(3)


def test_the_oldest_leaves_when_a_member_comes() -> None:
    filled = population(0.0, 1.0, 2.0)
    filled.add(member(3, 5.0))
    assert {filled.tournament(1, Draws(n)).number for n in range(200)} == {1, 2, 3}


def hurdle(quantile: float, *fitnesses: float) -> Hurdle:
    built = Hurdle(len(fitnesses), quantile, 0.25)
    for fitness in fitnesses:
        built.add(fitness)
    return built


@pytest.mark.parametrize(("share", "fitness"), [(0.0, 1.0), (0.4, 2.0), (0.99, 3.0), (1.0, 3.0)])
def test_a_hurdle_is_the_fitness_that_a_share_reaches_and_a_margin(share: float, fitness: float) -> None:
    assert hurdle(share, 3.0, 3.0, 1.0, 2.0)._ordered == [1.0, 2.0, 3.0, 3.0]
    assert hurdle(share, 3.0, 1.0, 2.0).height == fitness + 0.25


def test_the_starting_program_stands_in_until_there_are_enough() -> None:
    built = Hurdle(3, 0.4, 0.0)
    built.add(5.0)
    assert built.height == 5.0
    built.add(1.0)
    assert built.height == 5.0
    built.add(2.0)
    assert built.height == 2.0


def test_a_hurdle_rolls_over_the_last_scores() -> None:
    scores = [3.0, 1.0, 2.0, 5.0, 0.5, float("inf"), 4.0]
    built = Hurdle(3, 0.0, 0.0)
    for number, score in enumerate(scores):
        built.add(score)
        assert built.height == min([scores[0]] * max(0, 2 - number) + scores[max(0, number - 2) : number + 1])
