"""Comparison of search methods with equal budgets; each config is one run."""

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from primitives import UserError, parse
from search.record import JOURNAL, plain, write_text
from search.running.conclude import judge_of
from search.running.method_curves import Method, draw
from search.running.open_run import OpenRun, existing_run, new_run
from search.running.reporter import Reporter
from search.running.run import search_all
from search.running.setup import versions
from search.settings import Config
from selection import FRESH_SEEDS

COMPARISON = "comparison.json"


def compare_methods(
    configs: Mapping[str, Config], folder: Path, reporter: Reporter | None = None, stop: threading.Event | None = None
) -> list[Method]:
    """Run each config, or continue its run, and compare the results.

    Args:
        configs: configs by name; each run is in a subfolder of this name.
        folder: folder of the runs, the figures and the results.
        reporter: receives the events of the runs.
        stop: set when the user requests a stop.

    Returns:
        Curves and results of each method, in the order of the configs.

    Raises:
        UserError: the budgets of the configs differ, or a subfolder contains a run of another config.
        KeyboardInterrupt: a stop was requested; the same call continues.
    """
    _check(configs)
    methods = []
    for name, config in configs.items():
        if reporter:
            reporter.note(f"{name}: {config.search.algorithm}")
        if (folder / name / JOURNAL).exists():
            with existing_run(folder / name, reporter, stop, workers=config.workers) as opened:
                if opened.config != config:
                    raise UserError(
                        f"`{folder / name}` contains a run of another config; choose another folder with `--out`"
                    )
                methods.append(_method(name, opened))
        else:
            with new_run(config, folder / name, reporter, stop) as opened:
                methods.append(_method(name, opened))
    facts = {"methods": [method.as_json() for method in methods], "versions": versions()}
    write_text(folder / COMPARISON, json.dumps(plain(facts), indent=1) + "\n")
    draw(methods, folder)
    return methods


def _method(name: str, opened: OpenRun) -> Method:
    """Run the search of a config, and score the best program of each repeat on fresh seeds."""
    config, journal = opened.config, opened.journal
    with opened.workers() as trials:
        if not search_all(opened, trials):
            raise KeyboardInterrupt
        opened.reporter.phase_started(f"{name}: scoring the best program of each repeat on fresh seeds")
        judge = judge_of(config, range(FRESH_SEEDS, FRESH_SEEDS + config.selection.seeds))
        repeats = range(config.search.repeats * config.search.rounds)
        winners = [journal.best(1, repeats=range(repeat, repeat + 1))[0] for repeat in repeats]
        fresh = [found.fitness for found in trials.run([judge.fitness(parse(row.program)) for row in winners])]
    return Method.of(name, journal, repeats, fresh)


def _check(configs: Mapping[str, Config]) -> None:
    """Raise `UserError` if the budgets of the configs differ."""
    (first, one), *others = configs.items()
    for name, config in others:
        for key, value in _budget(one).items():
            if _budget(config)[key] != value:
                raise UserError(
                    f"`{name}` has `{key}` = {_budget(config)[key]!r} and `{first}` {value!r}; "
                    f"compared methods must have equal budgets; `--set {key}=…` sets this key for all"
                )


def _budget(config: Config) -> dict[str, Any]:
    keys = ("children", "evaluations", "repeats", "rounds")
    scoring = {f"evaluation.{key}": value for key, value in config.evaluation.model_dump().items()}
    return {"tasks": config.tasks, **{f"search.{key}": getattr(config.search, key) for key in keys}, **scoring}
