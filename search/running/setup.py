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
    LARGEST_BATCH,
    TASKS,
    Evaluator,
    Task,
    baseline,
    builtin_task,
    device_name,
    fingerprint,
    noise,
    shares,
    use_copies,
)
from search.execution import (
    BEHAVIOUR,
    BatchExecutor,
    Built,
    Executor,
    InlineExecutor,
    RayExecutor,
    RaySettings,
    copy_in,
    keep_compiled,
    measure_behaviour,
)
from search.running.run_folder_configs import read_checked_config
from search.settings import (
    Config,
    larger_tasks,
    load_config,
    restore_config,
    sent_files,
    stage_of,
    task_of,
    with_tuned_constants,
)

_VERSIONED = ("optsearch", "jax", "jaxlib", "numpy", "scikit-learn")
DEVICE = "device"  # key of the kind of the accelerator among the versions
_FED = 4  # candidates in flight per worker that keep the worker busy
_TUNING_SEEDS = 8  # networks trained in each trial when a baseline of a custom task is tuned


def tasks_of(config: Config) -> list[Task]:
    """The tasks of a config, in its order."""
    return [task_of(entry) for entry in config.tasks]


def load_tasks(what: str, say: Callable[[str], None] | None = None, *, trust: bool = False) -> list[Task]:
    """Load tasks.

    Args:
        what: name of a built-in task, or path of a config.
        say: called with a message for each module that the config names, before its import.
        trust: import the code that a config in a run folder of others names.

    Returns:
        The named task, or the tasks of the config.

    Raises:
        UserError: there is no such task, or the config cannot be loaded.
    """
    if what not in TASKS and Path(what).is_file():
        config = read_checked_config(Path(what), trust=trust)
        load_config(config, say=say)
        return tasks_of(config)
    return [builtin_task(what)]


def with_baselines(config: Config, report: Callable[[str, int, int, float], None]) -> Config:
    """Tune the baselines of the custom tasks of a config that have none.

    Args:
        config: a loaded config.
        report: called after each trial with a description, its number, the number of trials, and the lowest mean log
            loss so far.

    Returns:
        The config with tuned baselines for every custom task.
    """

    def entry_tuned(entry: Any) -> Any:  # noqa: ANN401 - an entry of `tasks`
        return with_tuned_constants(
            entry,
            _TUNING_SEEDS,
            lambda name, trial, best: report(f"{entry.name}: {name}", trial, entry.trials, best),
        )

    return config.model_copy(update={"tasks": [entry_tuned(entry) for entry in config.tasks]})


def evaluator(config: Config, seeds: range, first_seeds: int = 0, search: bool = False) -> Evaluator:
    """Make an evaluator with the tasks and prices of a config.

    Args:
        config: a loaded config.
        seeds: seeds of an evaluation.
        first_seeds: number of seeds before the hurdle; 0 for no hurdle.
        search: use the race and the sanity probe of the config.
    """
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
    """Definition of a fitness as plain values: tasks, hashes of their data, baselines, noise and weights.

    Scores are comparable only if these values are equal. They depend on the contents of data files, not on paths.
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
    """Versions of the packages that can affect numerical results, and on an accelerator its kind.

    Devices of different kinds round differently, so a history belongs to one kind.
    """
    found = {"python": platform.python_version()} | {name: version(name) for name in _VERSIONED}
    return found if jax.default_backend() == "cpu" else found | {DEVICE: device_name()}


def facts(config: Config) -> dict[str, Any]:
    """Facts that must be equal in the driver and in every worker: versions, functions, tasks, and bits computed."""
    larger = {task.name: fingerprint(task) for task in _larger_tasks(config)}
    functions = [row.name for row in REGISTRY]
    first = config.evaluation.first_seeds or config.evaluation.seeds
    return {
        "versions": {name: value for name, value in versions().items() if name != DEVICE},
        "functions": functions,
        "tasks": yardstick(config),
        "larger tasks": larger,
        BEHAVIOUR: {DEVICE: device_name()} | measure_behaviour(tasks_of(config), range(first)),
    }


def _larger_tasks(config: Config) -> list[Task]:
    """Tasks of the funnel and of the checks for meta-overfitting."""
    settings = config.selection
    checked = larger_tasks(config.tasks, settings.check_size) if settings.check_every else ()
    return [*checked, *(task for stage in settings.stages for task in stage_of(stage, config.tasks).tasks)]


def _address_of_environment(say: Callable[[str], None]) -> str | None:
    """Address of the cluster in `RAY_ADDRESS`, which `ray job submit` sets; `None` if it is not set."""
    address = os.environ.get("RAY_ADDRESS")
    if address:
        say(f"workers run on the cluster at RAY_ADDRESS (={address}); without that variable, on this machine")
    return address or None


def executor(
    config: Config,
    say: Callable[[str], None],
    stop: threading.Event | None = None,
    mixed: Callable[[Sequence[str]], None] = lambda hosts: None,
    *,
    warn: Callable[[str], None] | None = None,
) -> Executor:
    """The executor that scores the candidates of a search.

    Args:
        config: the config of the run.
        say: called with messages for the user.
        stop: set when the user requests a stop.
        mixed: called with the names of the hosts that compute different bits than this process.
        warn: called with messages about problems, such as a lost worker; by default `say`.
    """
    warn = warn or say
    settings = config.workers
    if settings.executor == "inline":
        keep_compiled()
        scorer = search_evaluator(config)
        return InlineExecutor(scorer) if jax.default_backend() == "cpu" else BatchExecutor(scorer, settings.in_flight)
    address = settings.address or _address_of_environment(say)
    files = sent_files(config) if address else {}
    if files:
        size = sum(map(len, files.values())) / 2**20
        say(f"the workers receive copies of {len(files)} files that the config names ({size:.1f} MiB)")
    workers = RaySettings(
        count=settings.count,
        address=address,
        wall_limit=settings.wall_limit,
        memory_limit=settings.memory_limit,
        reconnect=settings.reconnect,
        mixed=settings.mixed == "allow",
        gpu=settings.device == "gpu",
        batch=settings.batch or (LARGEST_BATCH if settings.device == "gpu" else None),
    )
    build = partial(_built, config.model_dump(mode="json"), tuple(files))
    return RayExecutor(build, facts(config), workers, files=files, say=warn, stop=stop, mixed=mixed)


def note_idle_workers(config: Config, count: int, say: Callable[[str], None]) -> None:
    """Say so if the window of a search is too narrow to keep all workers on Ray busy.

    Args:
        config: the config of a run whose algorithm uses `workers.in_flight`.
        count: number of workers.
        say: called with the message.
    """
    at_once = config.workers.in_flight * config.search.repeats
    if config.workers.executor == "ray" and at_once < _FED * count:
        say(
            f"at most {at_once} candidates are in flight (`workers.in_flight` × `search.repeats`), so some of the "
            f"{count} workers will be idle; {_FED} candidates per worker keep all workers busy"
        )


def _built(values: dict[str, Any], files: Sequence[str]) -> Built:
    """Build the scorer of a worker from the plain values of a config; the starting program is not read.

    Args:
        values: the config.
        files: files of the driver's machine of which Ray has unpacked copies into the working directory.
    """
    use_copies({path: str(copy_in(Path.cwd(), path)) for path in files})
    config = restore_config(values)
    load_config(config, with_start=False)
    return Built(search_evaluator(config), facts(config))
