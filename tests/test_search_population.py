"""Tournaments, ageing and quantiles of the population."""

from collections import Counter

import pytest

from primitives import builtin
from search.population import Member, Population
from search.randomness import Draws


def member(number: int, fitness: float) -> Member:
    return Member(number, builtin("sgd"), fitness, 10 * fitness)


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


@pytest.mark.parametrize(("share", "fitness"), [(0.0, 1.0), (0.4, 2.0), (0.99, 3.0), (1.0, 3.0)])
def test_a_quantile_is_the_fitness_on_the_first_seeds_that_a_share_reaches(share: float, fitness: float) -> None:
    assert population(3.0, 1.0, 2.0).quantile(share) == 10 * fitness


def test_a_quantile_follows_the_members_as_they_come_and_go() -> None:
    filled = population(3.0, 1.0, 2.0)
    for number, fitness in enumerate([5.0, 0.5, float("inf"), 4.0]):
        filled.add(member(number, fitness))
        kept = [5.0, 0.5, float("inf"), 4.0][: number + 1][-3:]
        assert filled.quantile(0.0) == 10 * min([*kept, *[3.0, 1.0, 2.0][number + 1 :]])
