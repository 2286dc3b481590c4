"""Several search methods under one budget: each config a run of its own, and what they found side by side."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from primitives.errors import UserError
from primitives.text import parse
from search.commands.panel import Progress
from search.record.folder import JOURNAL, plain, write_text
from search.record.journal import Journal
from search.running.conclude import judge_of
from search.running.method_curves import Method, draw
from search.running.run import begun, bench_of, resumed, search_all
from search.running.setup import versions
from search.settings.config import Config
from selection.comparison import FRESH_SEEDS

COMPARISON = "comparison.json"


def compare_methods(configs: Mapping[str, Config], folder: Path, progress: Progress) -> list[Method]:
    """Run each config, or go on with it where it stopped, and compare what they found.

    Args:
        configs: by name; each is a run in a folder of that name.
        folder: where these folders, the figures and the numbers go.
        progress: is told what happens.

    Raises:
        UserError: the configs do not share one budget, or a folder holds another run.
        KeyboardInterrupt: the user stopped; the same call goes on from there.
    """
    _check(configs)
    methods = []
    for name, config in configs.items():
        progress.note(f"{name}: {config.search.algorithm}")
        if (folder / name / JOURNAL).exists():
            with resumed(folder / name, progress) as (known, journal):
                if known != config:
                    raise UserError(
                        f"`{folder / name}` holds a run of another config; give another folder with `--out`"
                    )
                methods.append(_run(name, config, journal, progress))
        else:
            with begun(config, folder / name) as journal:
                methods.append(_run(name, config, journal, progress))
    facts = {"methods": [method.as_json() for method in methods], "versions": versions()}
    write_text(folder / COMPARISON, json.dumps(plain(facts), indent=1) + "\n")
    draw(methods, folder)
    return methods


def _run(name: str, config: Config, journal: Journal, progress: Progress) -> Method:
    with bench_of(config, journal, progress) as bench:
        if not search_all(config, journal, bench, progress):
            raise KeyboardInterrupt
        progress.phase(f"{name}: the best of each repeat on fresh seeds")
        judge = judge_of(config, range(FRESH_SEEDS, FRESH_SEEDS + config.selection.seeds))
        repeats = range(config.search.repeats * config.search.rounds)
        winners = [journal.best(1, repeats=range(repeat, repeat + 1))[0] for repeat in repeats]
        fresh = [found.fitness for found in bench.run([judge.fitness(parse(row.program)) for row in winners])]
    return Method.of(name, journal, repeats, fresh)


def _check(configs: Mapping[str, Config]) -> None:
    """Raise `UserError` where configs differ in what has to be the same for all."""
    (first, one), *others = configs.items()
    for name, config in others:
        for key, value in _budget(one).items():
            if _budget(config)[key] != value:
                raise UserError(
                    f"`{name}` has `{key}` = {_budget(config)[key]!r} and `{first}` {value!r}; "
                    f"methods are compared under one budget: `--set {key}=…` sets it for all"
                )


def _budget(config: Config) -> dict[str, Any]:
    keys = ("children", "evaluations", "repeats", "rounds")
    scoring = {f"evaluation.{key}": value for key, value in config.evaluation.model_dump().items()}
    return {"tasks": config.tasks, **{f"search.{key}": getattr(config.search, key) for key in keys}, **scoring}
