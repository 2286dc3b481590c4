"""Evaluators and executors of a config, built in the driver and in every worker."""

import json
import os
import platform
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax

from primitives import REGISTRY
from proxy_tasks import (
    TASKS,
    Evaluator,
    Task,
    baseline,
    builtin_task,
    device_name,
    fingerprint,
    noise,
    shares,
)
from search.execution import (
    BEHAVIOUR,
    BatchExecutor,
    Built,
    Executor,
    InlineExecutor,
    RayExecutor,
    RaySettings,
    keep_compiled,
    measure_behaviour,
)
from search.settings import (
    Config,
    larger_tasks,
    load_config,
    read_config,
    restore_config,
    stage_of,
    task_of,
    with_tuned_constants,
)

_VERSIONED = ("optsearch", "jax", "jaxlib", "numpy", "scikit-learn")
DEVICE = "device"  # key among the versions for the kind of the accelerator
_FED = 4  # candidates in flight for each worker that keep it busy
_TUNING_SEEDS = 8  # networks trained in each trial when a baseline of a custom task is tuned


def tasks_of(config: Config) -> list[Task]:
    """The tasks of a config, in its order."""
    return [task_of(entry) for entry in config.tasks]


def load_tasks(what: str, say: Callable[[str], None] | None = None) -> list[Task]:
    """Load tasks.

    Args:
        what: name of a task that comes with the project, or path of a config.
        say: receives one message a module that the config names, before it is imported.

    Returns:
        That task, or the tasks of the config.

    Raises:
        UserError: there is no such task, or the config cannot be loaded.
    """
    if what not in TASKS and Path(what).is_file():
        config = read_config(Path(what))
        load_config(config, say=say)
        return tasks_of(config)
    return [builtin_task(what)]


def with_baselines(config: Config, report: Callable[[str, int, int, float], None]) -> Config:
    """The config with tuned baselines for every custom task; `report` gets task, trial, trials and best."""

    def entry_tuned(entry: Any) -> Any:  # noqa: ANN401 - an entry of `tasks`
        return with_tuned_constants(
            entry,
            _TUNING_SEEDS,
            lambda name, trial, best: report(f"{entry.name}: {name}", trial, entry.trials, best),
        )

    return config.model_copy(update={"tasks": [entry_tuned(entry) for entry in config.tasks]})


def evaluator(config: Config, seeds: range, first_seeds: int = 0, search: bool = False) -> Evaluator:
    """An evaluator with the tasks and prices of a config; with `search` also its race and sanity probe."""
    settings = config.evaluation
    return Evaluator(
        tasks_of(config),
        seeds,
        first_seeds,
        statement_price=settings.statement_price,
        slot_price=settings.slot_price,
        short_share=settings.short_share,
        short_margin=settings.short_margin,
        race=settings.race if search else (),
        sanity_steps=settings.sanity_steps if search else 0,
    )


def search_evaluator(config: Config) -> Evaluator:
    """The evaluator that scores candidates during the search."""
    return evaluator(config, range(config.evaluation.seeds), config.evaluation.first_seeds, search=True)


def yardstick(config: Config) -> dict[str, Any]:
    """Everything that defines a fitness, as plain values: tasks, hashes of their data, baselines, noise and shares.

    Scores are comparable only where this is equal. It depends on the contents of data files, not on their paths.
    """
    tasks = tasks_of(config)
    weights = shares(tasks)
    measures = {
        task.name: {
            "task": _description(task),
            "data": fingerprint(task),
            "baseline": [value for *_, value in baseline(task).constants()],
            "noise": noise(task),
            "share": weights[task.name],
        }
        for task in tasks
    }
    return dict(json.loads(json.dumps(measures)))


def _description(task: Task) -> dict[str, Any]:
    values = asdict(task)
    del values["tuned"]
    values["settings"] = {key: value for key, value in task.settings.items() if key != "data"}
    values["family"] = task.family.rpartition("/")[2]
    return values


def versions() -> dict[str, str]:
    """Versions of the packages that can change a number, and on an accelerator its kind.

    Devices of different kinds round differently, so a history belongs to one kind.
    """
    found = {"python": platform.python_version()} | {name: version(name) for name in _VERSIONED}
    return found if jax.default_backend() == "cpu" else found | {DEVICE: device_name()}


def facts(config: Config) -> dict[str, Any]:
    """Facts that must be equal in the driver and in a worker for its scores to count."""
    larger = {task.name: fingerprint(task) for task in _larger_tasks(config)}
    functions = [row.name for row in REGISTRY]
    first = config.evaluation.first_seeds or config.evaluation.seeds
    return {
        "versions": versions(),
        "functions": functions,
        "tasks": yardstick(config),
        "larger tasks": larger,
        BEHAVIOUR: measure_behaviour(tasks_of(config), range(first)),
    }


def _larger_tasks(config: Config) -> list[Task]:
    """Tasks of the funnel and of the checks for overfitting."""
    settings = config.selection
    checked = larger_tasks(config.tasks, settings.check_size) if settings.check_every else ()
    return [*checked, *(task for stage in settings.stages for task in stage_of(stage, config.tasks).tasks)]


def _address_of_environment(say: Callable[[str], None]) -> str | None:
    """The cluster that Ray's own variable names, as `ray job submit` sets it."""
    address = os.environ.get("RAY_ADDRESS")
    if address:
        say(f"workers run on the cluster at RAY_ADDRESS (={address}); without that variable, on this machine")
    return address or None


def executor(
    config: Config,
    say: Callable[[str], None],
    stop: threading.Event | None = None,
    mixed: Callable[[Sequence[str]], None] = lambda hosts: None,
) -> Executor:
    """The executor that scores the candidates of a search.

    Args:
        config: of the run.
        say: receives lines for the user.
        stop: set when the user requests a stop.
        mixed: called with the names of the hosts that compute other bits than this process.
    """
    settings = config.workers
    if settings.executor == "inline":
        keep_compiled()
        scorer = search_evaluator(config)
        return InlineExecutor(scorer) if jax.default_backend() == "cpu" else BatchExecutor(scorer, settings.in_flight)
    build = partial(_built, config.model_dump(mode="json"))
    workers = RaySettings(
        count=settings.count,
        address=settings.address or _address_of_environment(say),
        wall_limit=settings.wall_limit,
        memory_limit=settings.memory_limit,
        reconnect=settings.reconnect,
        mixed=settings.mixed == "allow",
    )
    made = RayExecutor(build, facts(config), workers, say=say, stop=stop, mixed=mixed)
    at_once = settings.in_flight * config.search.repeats
    if at_once < _FED * made.count:
        say(
            f"at most {at_once} candidates at a time (`workers.in_flight` × `search.repeats`) "
            f"for {made.count} workers: some will wait; {_FED} for each worker keep them busy"
        )
    return made


def _built(values: dict[str, Any]) -> Built:
    """A worker's scorer, from the plain values of a config; the program file need not exist there."""
    config = restore_config(values)
    load_config(config, with_start=False)
    return Built(search_evaluator(config), facts(config))
