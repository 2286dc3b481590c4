"""A run from beginning to end: search every repeat of every round, then conclude.

Start reading here: `run_search` and `resume_search` open a run (`open_run`), `search_all` drives the engines through
the search loop (`loop`), and `conclude` chooses the champion, sends it through the funnel, simplifies it and writes the
results.
"""

import math
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from primitives import UserError, parse
from proxy_tasks import baseline
from search.algorithms import STRUCTURES, TUNE_CONSTANTS, build_engine
from search.record import CONFIG, LION, SEARCH_ENDED, Journal, plain, write_text
from search.report import write_report
from search.running.conclude import conclude
from search.running.loop import search
from search.running.open_run import OpenRun, existing_run, new_run
from search.running.overfitting import Checks
from search.running.recorded_trials import RecordedTrials
from search.running.reporter import Reporter
from search.running.setup import search_evaluator, tasks_of
from search.running.structure_runs import search_structures
from search.running.summary import Summary
from search.settings import (
    DEFAULT_STAGES,
    Config,
    WorkerSettings,
    load_config,
    recorded_values,
    restore_config,
    set_key,
    to_yaml,
)


def run_search(
    config: Config, folder: Path, reporter: Reporter | None = None, stop: threading.Event | None = None
) -> Summary:
    """Run a search in a new folder.

    Args:
        config: what to run.
        folder: created.
        reporter: receives the events of the run.
        stop: set it from another thread or a signal handler to end the search early; results are kept.

    Raises:
        UserError: the config cannot be run, or the folder holds something.
    """
    with new_run(config, folder, reporter, stop) as opened:
        return _search_and_conclude(opened)


def resume_search(
    folder: Path,
    reporter: Reporter | None = None,
    stop: threading.Event | None = None,
    *,
    repair_journal: bool = False,
    trust: bool = False,
    workers: WorkerSettings | None = None,
    children: int | None = None,
) -> Summary:
    """Continue a run from where its journal ends.

    Args:
        folder: the run folder.
        reporter: receives the events of the run.
        stop: as for `run_search`.
        repair_journal: first replace a damaged journal by what can be read of it.
        trust: import the code that the folder names even if the run did not begin on this account.
        workers: used in place of the recorded settings, of which the address of a cluster is never used.
        children: extends the search to this number of candidates; the history is that of a run which had it from the
            start.

    Raises:
        UserError: the folder holds no run, or one that is in use, damaged, names code and comes from elsewhere, or
            whose tasks or data have changed; or the search cannot be extended to `children`.
    """
    with existing_run(folder, reporter, stop, repair_journal=repair_journal, trust=trust, workers=workers) as opened:
        return _search_and_conclude(opened if children is None else _extended(opened, children))


def _extended(opened: OpenRun, children: int) -> OpenRun:
    """The run with a larger number of candidates, which is recorded in its journal."""
    settings = opened.config.search
    if children < settings.children:
        raise UserError(f"`search.children` (={children}) must be at least {settings.children}, as the run has it now")
    if settings.rounds > 1:
        raise UserError(f"`search.children`: a search in {settings.rounds} rounds cannot be extended; start a new run")
    if settings.algorithm == TUNE_CONSTANTS:
        raise UserError("`search.children`: `tune_constants` plans for its number of candidates; start a new run")
    extended = replace(
        opened,
        config=opened.config.model_copy(update={"search": settings.model_copy(update={"children": children})}),
    )
    if children > settings.children:
        opened.journal.note(SEARCH_ENDED, False)
        recorded = opened.journal.meta()["config"]
        opened.journal.note("config", recorded | {"search": recorded["search"] | {"children": children}})
        write_text(opened.folder / CONFIG, to_yaml(extended.config, opened.folder))
    return extended


def select_champion(
    folder: Path,
    reporter: Reporter | None = None,
    stop: threading.Event | None = None,
    *,
    overrides: Sequence[str] = (),
    trust: bool = False,
) -> Summary:
    """Run the funnel of a run whose search is complete; trials on record are not run again.

    Args:
        folder: the run folder.
        reporter: receives the events of the run.
        stop: as for `run_search`.
        overrides: assignments to keys of `selection` and `workers`, kept for later calls. A config without stages gets
            two with default settings.
        trust: import the code that the folder names even if the run did not begin on this account.

    Raises:
        UserError: the search is not complete, or the stages do not fit.
    """
    with existing_run(folder, reporter, stop, trust=trust) as searched:
        _check_ended(searched.journal, folder)
        searched.journal.verify()
        opened = replace(searched, config=_with_stages(searched.config, overrides))
        load_config(opened.config, with_start=False, say=opened.reporter.note)
        with opened.workers() as trials:
            opened.reporter.run_started(opened.config, opened.journal)
            opened.journal.note("selection", recorded_values(opened.config, folder)["selection"])
            write_text(folder / CONFIG, to_yaml(opened.config, folder))
            opened.vouch()
            summary = conclude(opened, trials, complete=True)
        _report(opened)
        return summary


def add_studies(
    folder: Path, reporter: Reporter | None = None, stop: threading.Event | None = None, *, trust: bool = False
) -> Summary:
    """Train what only the report shows, for a run whose search is complete, and write its report.

    Args:
        folder: the run folder.
        reporter: receives the events of the run.
        stop: as for `run_search`.
        trust: import the code that the folder names even if the run did not begin on this account.

    Raises:
        UserError: the search is not complete.
    """
    with existing_run(folder, reporter, stop, trust=trust) as opened:
        _check_ended(opened.journal, folder)
        with opened.workers() as trials:
            opened.reporter.run_started(opened.config, opened.journal)
            summary = conclude(opened, trials, complete=True, studies=True)
        _report(opened)
        return summary


def _search_and_conclude(opened: OpenRun) -> Summary:
    with opened.workers() as trials:
        summary = conclude(opened, trials, complete=search_all(opened, trials))
    _report(opened)
    return summary


def _report(opened: OpenRun) -> None:
    """Write the report; a report that fails is said, and does not fail the run, whose results are written."""
    opened.reporter.phase_started("writing the report")
    try:
        write_report(opened.folder, opened.journal)
    except Exception as error:
        opened.reporter.note(f"no report was written: {type(error).__name__}: {error}")


def _check_ended(journal: Journal, folder: Path) -> None:
    if not journal.meta().get(SEARCH_ENDED):
        raise UserError(f"the search in `{folder}` has not ended; `optsearch resume {folder}` goes on with it")


def search_all(opened: OpenRun, trials: RecordedTrials) -> bool:
    """Search every repeat of every round, from what the journal holds; whether the search is complete."""
    config, journal, reporter = opened.config, opened.journal, opened.reporter
    settings = config.search
    start = parse(journal.meta()["start"])
    reporter.run_started(config, journal)
    checks = Checks(config, journal, trials)
    lion = _fitness_of_lion(config)
    journal.note(LION, plain(lion))
    reporter.lion_scored(lion)
    for number in range(settings.rounds):
        repeats = range(number * settings.repeats, (number + 1) * settings.repeats)
        reporter.round_started(number)
        if settings.algorithm == STRUCTURES:
            complete = search_structures(opened, start, repeats, trials)
        else:
            engines = {repeat: build_engine(config, start, repeat) for repeat in repeats}
            for repeat, machine in engines.items():
                machine.restore(journal.history(repeat))
            search(engines, trials.executor, journal, reporter=reporter, stop=opened.stop, checks=checks)
            complete = all(machine.done for machine in engines.values())
        if not complete:
            return False
        for row in journal.best(1, repeats=repeats):
            start = parse(row.program)
    journal.note(SEARCH_ENDED, True)
    return True


def _fitness_of_lion(config: Config) -> float:
    """Fitness of the tuned Lion on the seeds of the search; NaN with several tasks, each of which has its own."""
    tasks = tasks_of(config)
    return search_evaluator(config).evaluate(baseline(tasks[0], "lion")).fitness if len(tasks) == 1 else math.nan


def _with_stages(config: Config, overrides: Sequence[str]) -> Config:
    """The config with overrides of selection and workers, and with the default stages if it has none."""
    for override in overrides:
        if override.partition(".")[0] not in ("selection", "workers"):
            raise UserError(f"`--set {override}`: the search is over; only `selection` and `workers` can be set now")
    values = config.model_dump(mode="json")
    if not config.selection.stages:
        values["selection"]["stages"] = [stage.model_dump(mode="json") for stage in DEFAULT_STAGES]
    for override in overrides:
        set_key(values, override)
    return restore_config(values)
