"""The algorithms that a config can name, and the engine that runs one of them."""

import math
from collections.abc import Callable

from primitives.probe import signatures
from primitives.program import Program
from search.algorithms.constant_tuning import TuneConstants
from search.algorithms.evolution import Evolution
from search.algorithms.mutation import Mutator
from search.algorithms.random_search import RandomSearch
from search.algorithms.tree import TreeSearch
from search.engine.candidate import Algorithm
from search.engine.engine import Engine
from search.engine.hurdle import Hurdle
from search.settings.config import Config
from search.settings.loading import insertable

_WIDE_SHARE = 0.25  # of the candidates of `tune_constants`


def _mutator(config: Config) -> Mutator:
    return Mutator(insertable(config), config.search.mutations.model_dump())


def _evolution(config: Config, start: Program) -> Algorithm:
    settings = config.search
    return Evolution(_mutator(config), settings.population, settings.tournament, settings.plateau)


def _random(config: Config, start: Program) -> Algorithm:
    return RandomSearch(_mutator(config), start, config.search.random_mutations)


def _tune_constants(config: Config, start: Program) -> Algorithm:
    settings = config.search
    return TuneConstants(start, wide=int(_WIDE_SHARE * min(settings.children, settings.evaluations or math.inf)))


def _tree(config: Config, start: Program) -> Algorithm:
    return TreeSearch(config.search.tree_depth)


ALGORITHMS: dict[str, Callable[[Config, Program], Algorithm]] = {
    "regularized_evolution": _evolution,
    "random": _random,
    "tune_constants": _tune_constants,
    "tree": _tree,
}


def engine(config: Config, start: Program, repeat: int) -> Engine:
    """The engine of one repeat.

    Args:
        config: of the run.
        start: the starting program of this repeat.
        repeat: counted over all rounds.
    """
    settings, scoring = config.search, config.evaluation
    margins = (scoring.hurdle_margin, *(scoring.race_margin for _ in scoring.race))
    return Engine(
        algorithm=ALGORITHMS[settings.algorithm](config, start),
        start=start,
        hurdles=[Hurdle(settings.population, scoring.hurdle_quantile, margin) for margin in margins],
        seed=(config.seed, repeat),
        window=config.workers.in_flight,
        children=settings.children,
        evaluations=settings.evaluations,
        probe=signatures if scoring.probe else None,
    )
