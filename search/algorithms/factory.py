"""Table of the algorithms that a config can name, and the engine of a config."""

import math
from collections.abc import Callable

from primitives import Program, UserError, described, signatures
from search.algorithms.constant_tuning import TuneConstants
from search.algorithms.evolution import Evolution
from search.algorithms.mutation import MUTATIONS, Mutator
from search.algorithms.random_search import RandomSearch
from search.algorithms.structures.offspring import Helpers, Nursery
from search.algorithms.structures.search import StructureSearch
from search.algorithms.tree import TreeSearch
from search.engine import Algorithm, Engine, Hurdle
from search.settings import Config, Mutations, insertable, names, task_of

STRUCTURES = names.STRUCTURES
TUNE_CONSTANTS = "tune_constants"
_WIDE_SHARE = 0.25  # of the candidates of `tune_constants`


def _mutator(config: Config) -> Mutator:
    return Mutator(insertable(config), config.search.mutations.model_dump())


def _evolution(config: Config, start: Program) -> Algorithm:
    """Regularized evolution: mutations of programs chosen by tournament, the algorithm of the paper."""
    settings = config.search
    return Evolution(_mutator(config), settings.population, settings.tournament, settings.plateau)


def _random(config: Config, start: Program) -> Algorithm:
    """Random mutations of the starting program; a comparator."""
    return RandomSearch(_mutator(config), start, config.search.random_mutations)


def _tune_constants(config: Config, start: Program) -> Algorithm:
    """Random search over the constants of the starting program; a comparator."""
    settings = config.search
    return TuneConstants(start, wide=int(_WIDE_SHARE * min(settings.children, settings.evaluations or math.inf)))


def _tree(config: Config, start: Program) -> Algorithm:
    """Monte-Carlo tree search over expressions with fixed operands; a comparator."""
    return TreeSearch(config.search.tree_depth)


ALGORITHMS: dict[str, Callable[[Config, Program], Algorithm]] = {
    "regularized_evolution": _evolution,
    "random": _random,
    TUNE_CONSTANTS: _tune_constants,
    "tree": _tree,
}


def algorithms() -> dict[str, str]:
    """Names of the algorithms, each with a description: the built-in ones first, then those of plugins."""
    structures = "A search among program structures whose constants are tuned; it works in generations."
    return {STRUCTURES: structures} | described(ALGORITHMS)


def check_algorithm(config: Config, start: Program) -> None:
    """Raise `UserError` if the algorithm of a config does not fit its starting program or its other settings."""
    if config.search.algorithm == STRUCTURES:
        structure_search(config, 0)
    else:
        build_engine(config, start, 0)


def structure_search(config: Config, repeat: int, helpers: Helpers | None = None) -> StructureSearch:
    """Make the algorithm `structures`, which works in generations and needs no engine.

    Args:
        config: the config of the run.
        repeat: number of the repeat, counted over all rounds.
        helpers: processes that breed and simplify children, with a `structure_nursery` of this config; `None` for this
            process.

    Raises:
        UserError: a program of the corpus cannot be read.
    """
    return StructureSearch(
        config.search.structures,
        tasks=[task_of(entry) for entry in config.tasks],
        prices=(config.evaluation.statement_price, config.evaluation.slot_price),
        primitives=insertable(config),
        key=(config.seed, repeat),
        children=config.search.children,
        helpers=helpers,
    )


def structure_nursery(config: Config) -> Nursery:
    """Make the part of the algorithm `structures` that helper processes do: breeding and simplification.

    Raises:
        UserError: a program of the corpus cannot be read.
    """
    return Nursery(config.search.structures, insertable(config))


def register_algorithm(name: str, factory: Callable[[Config, Program], Algorithm]) -> None:
    """Add an algorithm.

    Args:
        name: value of `search.algorithm` that selects it.
        factory: `(config, start) -> algorithm`, called once for each repeat.

    Raises:
        UserError: the name is taken.
    """
    if name in {*ALGORITHMS, STRUCTURES}:
        raise UserError(f"the name of algorithm `{name}` is taken; choose another name")
    ALGORITHMS[name] = factory
    names.ALGORITHMS.add(name)


def check_names(config: Config) -> None:
    """Raise `UserError` for an algorithm or a mutation that is neither built in nor registered by a plugin."""
    known = {*ALGORITHMS, STRUCTURES}
    if config.search.algorithm not in known:
        raise UserError(f"`search`: {names.unknown('algorithm', config.search.algorithm, known)}")
    for name in config.search.mutations.model_extra or {}:
        if name not in MUTATIONS:
            raise UserError(f"`search.mutations`: {names.unknown('mutation', name, {*MUTATIONS})}")


def with_registered_rates(config: Config) -> Config:
    """The config with default rates for registered mutations that it does not mention, if its algorithm uses them."""
    if config.search.algorithm == STRUCTURES:
        return config
    mutations = config.search.mutations
    added = {name: rate for name, rate in names.REGISTERED_MUTATIONS.items() if name not in mutations.model_dump()}
    search = config.search.model_copy(update={"mutations": Mutations(**mutations.model_dump(), **added)})
    return config.model_copy(update={"search": search}) if added else config


def build_engine(config: Config, start: Program, repeat: int) -> Engine:
    """Build the engine of one repeat.

    Args:
        config: the config of the run.
        start: the starting program of this repeat.
        repeat: number of the repeat, counted over all rounds.
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
