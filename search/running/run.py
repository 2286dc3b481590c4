"""A run from beginning to end: search every repeat, and conclude.

The journal is the only state. A run begins by creating it and goes on, now or after a crash, from what it holds.
"""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from primitives.builtins import load_program
from primitives.errors import UserError
from primitives.text import parse, to_text
from proxy_tasks.baselines import REFERENCE, baseline
from search.algorithms.factory import STRUCTURES, check, engine
from search.commands.panel import Progress
from search.record.folder import CONFIG, JOURNAL, claim, locked, open_run, write_text
from search.record.journal import Journal
from search.record.repair import repair
from search.running.conclude import conclude
from search.running.loop import search, stoppable
from search.running.overfitting import Checks
from search.running.recorded_trials import RecordedBench
from search.running.setup import executor, search_evaluator, tasks_of, versions, yardstick
from search.running.structure_runs import search_structures
from search.running.summary import Summary
from search.settings.config import Config, build_config, set_key, to_yaml
from search.settings.selection import DEFAULT_STAGES

_ENDED, SECONDS = "search ended", "seconds"  # noted in the journal: whether it has, and how long the run has taken


def run(config: Config, folder: Path, progress: Progress) -> Summary:
    """Start a run in a new folder.

    Args:
        config: what to run.
        folder: is made; raises `UserError` if it holds anything.
        progress: is told what happens.
    """
    with begun(config, folder) as journal:
        return _whole(config, folder, journal, progress)


def resume(folder: Path, progress: Progress, mend: bool = False) -> Summary:
    """Go on with a run where its journal ends.

    Args:
        folder: of the run.
        progress: is told what happens.
        mend: replace a damaged journal by what can be read of it first.

    Raises:
        UserError: the folder holds no run, or one that is in use or damaged, or whose scores would not mix.
    """
    with resumed(folder, progress, mend) as (config, journal):
        return _whole(config, folder, journal, progress)


@contextmanager
def begun(config: Config, folder: Path) -> Iterator[Journal]:
    """The journal of a new run, and the run folder held against others."""
    start = load_program(config.program)
    check(config, start)  # what is wrong with the algorithm is said before a folder is made
    claim(folder)
    meta = {
        "config": config.model_dump(mode="json"),
        "start": to_text(start),
        "yardstick": yardstick(config),
        "versions": versions(),
        "searches": config.search.repeats * config.search.rounds,
    }
    with locked(folder), Journal.create(folder / JOURNAL, meta) as journal:
        write_text(folder / CONFIG, to_yaml(config))
        yield journal


@contextmanager
def resumed(folder: Path, progress: Progress, mend: bool = False) -> Iterator[tuple[Config, Journal]]:
    """Config and journal of a run that was begun before, and its folder held against others."""
    open_run(folder, damaged=mend).close()  # says what is wrong before a lock is left in a folder that is no run
    with locked(folder):
        if mend:
            kept = repair(folder / JOURNAL)
            progress.note(f"the journal is mended: {kept:,} candidates were taken over, the old file is kept beside it")
        yield from _opened(folder, progress)


def _opened(folder: Path, progress: Progress) -> Iterator[tuple[Config, Journal]]:
    with open_run(folder) as journal:
        meta = journal.meta()
        config = config_of(journal)
        if meta["yardstick"] != yardstick(config):
            raise UserError(
                f"the tasks or their baselines have changed since `{folder}` began; its scores would not mix"
            )
        changed = [name for name, value in versions().items() if meta["versions"].get(name) != value]
        if changed:
            progress.note(f"other versions than at the start ({', '.join(changed)}): the rest may differ in rounding")
        yield config, journal


def config_of(journal: Journal) -> Config:
    """The config of a run; keys that there were not when it began have their defaults."""
    meta = journal.meta()
    return _checked(meta["config"] | {"selection": meta.get("selection", meta["config"]["selection"])})


def _checked(values: dict[str, Any]) -> Config:
    """A config from plain values; a program file may be gone by now."""
    config = build_config(values | {"program": REFERENCE})
    return config.model_copy(update={"program": values["program"]})


@contextmanager
def bench_of(config: Config, journal: Journal, progress: Progress) -> Iterator[RecordedBench]:
    """The executor of a run, with a bench beside it."""
    with executor(config, progress.note) as workers:
        progress.watch(workers.workers)
        yield RecordedBench(journal, workers, progress.trained)


def search_all(config: Config, journal: Journal, bench: RecordedBench, progress: Progress) -> bool:
    """Search every repeat of every round, from what the journal holds; whether all of it is done."""
    settings = config.search
    start = parse(journal.meta()["start"])
    tasks = tasks_of(config)
    progress.begin(config, journal)
    checks = Checks(config, journal, bench)
    with stoppable(progress) as stop:
        lion = search_evaluator(config).evaluate(baseline(tasks[0], "lion")).fitness if len(tasks) == 1 else math.nan
        progress.reference(lion)
        for number in range(settings.rounds):
            repeats = range(number * settings.repeats, (number + 1) * settings.repeats)
            progress.round(number)
            if settings.algorithm == STRUCTURES:
                done = search_structures(
                    config, start, repeats, journal=journal, bench=bench, progress=progress, stop=stop
                )
            else:
                engines = {repeat: engine(config, start, repeat) for repeat in repeats}
                for repeat, machine in engines.items():
                    machine.restore(journal.past(repeat))
                search(engines, bench.executor, journal, progress, stop, checks=checks)
                done = all(machine.done for machine in engines.values())
            if not done:
                return False
            for row in journal.best(1, repeats=repeats):
                start = parse(row.program)
    journal.note(_ENDED, True)
    return True


def _whole(config: Config, folder: Path, journal: Journal, progress: Progress) -> Summary:
    with _timed(journal), bench_of(config, journal, progress) as bench:
        return conclude(config, folder, journal, bench, progress, search_all(config, journal, bench, progress))


@contextmanager
def _timed(journal: Journal) -> Iterator[None]:
    """Add to what is noted of how long the run has taken; what was killed is not counted."""
    began = time.monotonic() - journal.meta().get(SECONDS, 0.0)
    try:
        yield
    finally:
        journal.note(SECONDS, round(time.monotonic() - began, 1))


def select(folder: Path, progress: Progress, overrides: Sequence[str] = ()) -> Summary:
    """The funnel of a run whose search has ended; what its journal holds already is not trained again.

    Args:
        folder: of the run.
        progress: is told what happens.
        overrides: assignments to keys of `selection` and `workers`, kept for later calls; where there are no stages,
            two with default settings are held.

    Raises:
        UserError: the search has not ended, or the stages do not fit.
    """
    with resumed(folder, progress) as (before, journal):
        if not journal.meta().get(_ENDED):
            raise UserError(f"the search in `{folder}` has not ended; `optsearch resume {folder}` goes on with it")
        config = _selecting(before, overrides)
        with _timed(journal), bench_of(config, journal, progress) as bench:
            progress.begin(config, journal)
            journal.note("selection", config.selection.model_dump(mode="json"))
            write_text(folder / CONFIG, to_yaml(config))
            return conclude(config, folder, journal, bench, progress, complete=True)


def _selecting(config: Config, overrides: Sequence[str]) -> Config:
    """The config with other settings for selection, and with stages in any case."""
    for override in overrides:
        if override.partition(".")[0] not in ("selection", "workers"):
            raise UserError(f"`--set {override}`: the search is over; only `selection` and `workers` can be set now")
    values = config.model_dump(mode="json")
    if not config.selection.stages:
        values["selection"]["stages"] = [stage.model_dump(mode="json") for stage in DEFAULT_STAGES]
    for override in overrides:
        set_key(values, override)
    return _checked(values)
