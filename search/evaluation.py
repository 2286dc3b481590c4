"""The evaluators that a config describes; the driver and every worker build theirs here."""

import json
from dataclasses import asdict
from typing import Any

from proxy_tasks import catalog
from proxy_tasks.baselines import baseline, noise
from proxy_tasks.fitness import Evaluator
from search.config import Config


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
