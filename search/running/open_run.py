"""An open run: its config, folder and journal, locked against other processes, and the workers that score for it.

The journal is the only state. A run starts by creating it and continues, now or after a crash, from what it holds.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from primitives.errors import UserError
from primitives.text import to_text
from search.algorithms.factory import engine
from search.record.folder import CONFIG, JOURNAL, claim, locked, open_journal, write_text
from search.record.journal import Journal
from search.record.repair import repair
from search.running.recorded_trials import RecordedTrials
from search.running.reporter import Reporter, SilentReporter
from search.running.setup import executor, versions, yardstick
from search.settings.config import Config
from search.settings.loading import load
from search.settings.reading import build_config, to_yaml

SEARCH_ENDED, SECONDS = "search ended", "seconds"  # notes in the journal: the search is complete; duration of the run


@dataclass(frozen=True)
class OpenRun:
    """A run that this process holds.

    Attributes:
        config: its config, resolved and loaded.
        folder: its folder, locked.
        journal: its journal, open.
        reporter: receives its events.
        stop: set when the user requests a stop.
    """

    config: Config
    folder: Path
    journal: Journal
    reporter: Reporter = field(default_factory=SilentReporter)
    stop: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def workers(self) -> Iterator[RecordedTrials]:
        """Start the workers, and end them afterwards; their trials are recorded in the journal."""
        started = time.monotonic() - self.journal.meta().get(SECONDS, 0.0)
        try:
            with executor(self.config, self.reporter.note) as workers:
                self.reporter.workers_started(workers.describe)
                yield RecordedTrials(self.journal, workers, self.reporter.trials_run)
        finally:
            self.journal.note(SECONDS, round(time.monotonic() - started, 1))


@contextmanager
def new_run(
    config: Config, folder: Path, reporter: Reporter | None = None, stop: threading.Event | None = None
) -> Iterator[OpenRun]:
    """Create a run.

    Args:
        config: what to run.
        folder: created; may exist if it is empty.
        reporter: receives the events of the run.
        stop: set when the user requests a stop.

    Raises:
        UserError: the config cannot be run, or the folder holds something.
    """
    start = load(config)
    engine(config, start, 0)  # reports errors in the settings of the algorithm before a folder is created
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
        yield OpenRun(config, folder, journal, reporter or SilentReporter(), stop or threading.Event())


@contextmanager
def existing_run(
    folder: Path,
    reporter: Reporter | None = None,
    stop: threading.Event | None = None,
    *,
    repair_journal: bool = False,
) -> Iterator[OpenRun]:
    """Open the run of a folder.

    Args:
        folder: the run folder.
        reporter: receives the events of the run.
        stop: set when the user requests a stop.
        repair_journal: first replace a damaged journal by what can be read of it.

    Raises:
        UserError: the folder holds no run, or one that is in use, damaged, or whose tasks or data have changed.
    """
    reporter = reporter or SilentReporter()
    open_journal(folder, damaged=repair_journal).close()  # reports errors before a lock is left in a foreign folder
    with locked(folder):
        if repair_journal:
            kept = repair(folder / JOURNAL)
            reporter.note(f"the journal is repaired: {kept:,} candidates are kept; the old file is kept beside it")
        with open_journal(folder) as journal:
            config = config_of(journal)
            load(config, with_start=False)
            _check_scores_mix(config, journal, folder, reporter)
            yield OpenRun(config, folder, journal, reporter, stop or threading.Event())


def _check_scores_mix(config: Config, journal: Journal, folder: Path, reporter: Reporter) -> None:
    """Raise `UserError` where new scores would not be comparable with recorded ones; note other versions."""
    meta = journal.meta()
    if meta["yardstick"] != yardstick(config):
        raise UserError(f"the tasks or their baselines have changed since `{folder}` began; its scores would not mix")
    changed = [name for name, value in versions().items() if meta["versions"].get(name) != value]
    if changed:
        reporter.note(f"other versions than at the start ({', '.join(changed)}): the rest may differ in rounding")


def config_of(journal: Journal) -> Config:
    """The config of a run; keys that did not exist when it began have their defaults."""
    meta = journal.meta()
    return build_config(meta["config"] | {"selection": meta.get("selection", meta["config"]["selection"])})
