"""A run from beginning to end: search of every repeat of every round, then conclusion.

Start reading here: `run_search` and `resume_search` open a run (`open_run`), `search_all` runs the search loop
(`loop`), and `conclude` chooses the champion, runs the funnel, simplifies the champion and writes the results.
"""

import math
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from primitives import UserError, parse
from proxy_tasks import baseline
from search.algorithms import STRUCTURES, TUNE_CONSTANTS, build_engine
from search.record import CONFIG, LION, SEARCH_ENDED, TRIALS_OF, Journal, plain, write_text
from search.report import write_report
from search.running.conclude import conclude
from search.running.loop import search
from search.running.open_run import OpenRun, existing_run, new_run
from search.running.overfitting import Checks
from search.running.recorded_trials import RecordedTrials
from search.running.reporter import Reporter
from search.running.setup import note_idle_workers, search_evaluator, tasks_of
from search.running.structure_runs import search_structures
from search.running.summary import Summary
from search.settings import (
    DEFAULT_STAGES,
    Config,
    SelectionSettings,
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
        config: the config of the run.
        folder: the run folder, which is created.
        reporter: receives the events of the run.
        stop: set it in another thread or a signal handler to end the search early; results are kept.

    Returns:
        The results.

    Raises:
        UserError: the config is not valid, or the folder is not empty.
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
    selection: SelectionSettings | None = None,
) -> Summary:
    """Continue a run from the end of its journal.

    Args:
        folder: the run folder.
        reporter: receives the events of the run.
        stop: as for `run_search`.
        repair_journal: first replace a damaged journal by its readable part.
        trust: import the code that the folder names, even if the run was not started by this account.
        workers: worker settings in place of the recorded ones; a recorded cluster address is never used.
        children: number of candidates to which the search is extended; the history equals that of a run that had this
            number from the start.
        selection: settings of the selection in place of the recorded ones, which they replace in the journal.

    Returns:
        The results.

    Raises:
        UserError: the folder has no run, or one without a search; the run is in use or damaged; its tasks or data have
            changed; it names code and was not started by this account; the search cannot be extended to `children`; or
            `selection` has other checks during the search.
    """
    with existing_run(folder, reporter, stop, repair_journal=repair_journal, trust=trust, workers=workers) as known:
        _check_search(known.journal, folder)
        again = selection not in (None, known.config.selection)
        opened = _selecting(known, known.config.model_copy(update={"selection": selection})) if again else known
        if children is not None:
            opened = _extended(opened, children)
        if again:
            _record_selection(opened)
        return _search_and_conclude(opened)


def _selecting(opened: OpenRun, config: Config) -> OpenRun:
    """The run with the selection of another config, which is loaded."""
    if opened.config.selection.checks() != config.selection.checks():
        raise UserError("the checks in `selection` are part of the search and cannot be changed afterwards")
    load_config(config, with_start=False, say=opened.reporter.note)
    return replace(opened, config=config)


def _record_selection(opened: OpenRun) -> None:
    opened.journal.note("selection", recorded_values(opened.config, opened.folder)["selection"])
    write_text(opened.folder / CONFIG, to_yaml(opened.config, opened.folder))
    opened.vouch()


def _extended(opened: OpenRun, children: int) -> OpenRun:
    """The run with a larger number of candidates, which is recorded in its journal."""
    settings = opened.config.search
    if children == settings.children:
        return opened
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
    """Run the funnel of a run whose search is complete; recorded trials are not run again.

    Args:
        folder: the run folder.
        reporter: receives the events of the run.
        stop: as for `run_search`.
        overrides: assignments to keys of `selection` and `workers`, stored for later calls. A config without stages
            gets two stages with default settings.
        trust: import the code that the folder names, even if the run was not started by this account.

    Returns:
        The results.

    Raises:
        UserError: the search is not complete, or a stage is not valid.
    """
    with existing_run(folder, reporter, stop, trust=trust) as searched:
        _check_ended(searched.journal, folder)
        searched.journal.verify()
        opened = _selecting(searched, _with_stages(searched.config, overrides))
        with opened.workers() as trials:
            opened.reporter.run_started(opened.config, opened.journal)
            _record_selection(opened)
            summary = conclude(opened, trials, complete=True)
        _report(opened)
        return summary


def add_studies(
    folder: Path, reporter: Reporter | None = None, stop: threading.Event | None = None, *, trust: bool = False
) -> Summary:
    """Run the trainings that only the report uses, for a run whose search is complete, and write the report.

    Args:
        folder: the run folder.
        reporter: receives the events of the run.
        stop: as for `run_search`.
        trust: import the code that the folder names, even if the run was not started by this account.

    Returns:
        The results.

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
    """Write the report; if this fails, a warning says so and the run succeeds, since its results are written."""
    opened.reporter.phase_started("writing the report")
    try:
        write_report(opened.folder, opened.journal)
    except Exception as error:
        opened.reporter.warning(f"no report was written: {type(error).__name__}: {error}")


def _check_search(journal: Journal, folder: Path) -> None:
    command = journal.meta().get(TRIALS_OF)
    if command:
        raise UserError(f"`{folder}` has the trials of `{command}` and no search; the same command continues it")


def _check_ended(journal: Journal, folder: Path) -> None:
    _check_search(journal, folder)
    if not journal.meta().get(SEARCH_ENDED):
        raise UserError(f"the search in `{folder}` has not ended; `optsearch resume {folder}` continues it")


def search_all(opened: OpenRun, trials: RecordedTrials) -> bool:
    """Search every repeat of every round, continuing from the journal; returns whether the search is complete."""
    config, journal, reporter = opened.config, opened.journal, opened.reporter
    settings = config.search
    start = parse(journal.meta()["start"])
    reporter.run_started(config, journal)
    checks = Checks(config, journal, trials)
    lion = _fitness_of_lion(config)
    journal.note(LION, plain(lion))
    reporter.lion_scored(lion)
    if settings.algorithm != STRUCTURES:  # it trains a generation at a time, whatever the window
        note_idle_workers(config, trials.executor.count, reporter.warning)
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
    journal.note_end()
    return True


def _fitness_of_lion(config: Config) -> float:
    """Fitness of the tuned Lion on the seeds of the search; NaN with several tasks, since each has its own Lion."""
    tasks = tasks_of(config)
    return search_evaluator(config).evaluate(baseline(tasks[0], "lion")).fitness if len(tasks) == 1 else math.nan


def _with_stages(config: Config, overrides: Sequence[str]) -> Config:
    """The config with overrides of selection and workers, and with the default stages if it has none."""
    for override in overrides:
        if override.partition(".")[0] not in ("selection", "workers"):
            raise UserError(f"`--set {override}`: after a search only keys of `selection` and `workers` can be set")
    values = config.model_dump(mode="json")
    if not config.selection.stages:
        values["selection"]["stages"] = [stage.model_dump(mode="json") for stage in DEFAULT_STAGES]
    for override in overrides:
        set_key(values, override)
    return restore_config(values)
