"""The evaluators and executors that a config describes; the driver and every worker build theirs here."""

import json
import platform
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from typing import Any

from primitives.registry import REGISTRY
from proxy_tasks import catalog
from proxy_tasks.baselines import REFERENCE, baseline, noise
from proxy_tasks.fitness import Evaluator
from search.config import Config, build_config
from search.executors import Executor, Inline
from search.worker import Built

_VERSIONED = ("optsearch", "jax", "jaxlib", "numpy", "scikit-learn")


def evaluator(config: Config, seeds: range, first_seeds: int = 0) -> Evaluator:
    """An evaluator with the tasks and prices of a config, for given seeds."""
    settings = config.evaluation
    tasks = [catalog.task(name) for name in config.tasks]
    return Evaluator(tasks, seeds, first_seeds, settings.statement_price, settings.slot_price)


def search_evaluator(config: Config) -> Evaluator:
    """The evaluator that scores candidates during the search."""
    return evaluator(config, range(config.evaluation.seeds), config.evaluation.first_seeds)


def yardstick(config: Config) -> dict[str, Any]:
    """What a fitness means: tasks, baselines and noise, as plain values. Scores mix only where this is equal."""
    measures = {
        name: {
            "task": asdict(catalog.task(name)),
            "baseline": [value for *_, value in baseline(name).constants()],
            "noise": noise(name),
        }
        for name in config.tasks
    }
    return dict(json.loads(json.dumps(measures)))


def versions() -> dict[str, str]:
    """Versions of whatever can change a number."""
    return {"python": platform.python_version()} | {name: version(name) for name in _VERSIONED}


def facts(config: Config) -> dict[str, Any]:
    """What a worker has to share with the driver for its scores to count."""
    return {"versions": versions(), "functions": [row.name for row in REGISTRY], "tasks": yardstick(config)}


def executor(config: Config, say: Callable[[str], None]) -> Executor:
    """Who scores the candidates of a search.

    Args:
        config: of the run.
        say: is told what a user should know.
    """
    settings = config.workers
    if settings.executor == "inline":
        return Inline(search_evaluator(config))
    from search.ray_executor import RayExecutor  # takes a second to import, which other runs need not wait for

    build = partial(_built, config.model_dump(mode="json"))
    return RayExecutor(
        build, facts(config), settings.count, settings.address, settings.wall_limit, settings.memory_limit, say
    )


def _built(values: dict[str, Any]) -> Built:
    """A worker's scorer, from the plain values of a config; a program file need not be there."""
    config = build_config(values | {"program": REFERENCE})
    return Built(search_evaluator(config), facts(config))
