"""An open run: config, run folder and journal, locked against other processes, and its workers.

The journal is the only state of a run. A new run creates it, and a resumed run continues from its records.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from primitives import UserError, to_text
from search.algorithms import check_algorithm, check_names, with_registered_rates
from search.execution import WorkersLostError
from search.record import (
    CONFIG,
    JOURNAL,
    MIXED,
    SECONDS,
    TRIALS_OF,
    Journal,
    claim,
    locked,
    look,
    new_id,
    open_journal,
    removed_if_empty,
    repair,
    vouch,
    vouched,
    write_text,
)
from search.running.recorded_trials import RecordedTrials
from search.running.reporter import Reporter, SilentReporter
from search.running.setup import DEVICE, executor, versions, yardstick
from search.settings import (
    Config,
    WorkerSettings,
    describe_module,
    load_config,
    named_modules,
    recorded_values,
    restore_config,
    to_yaml,
)


@dataclass(frozen=True)
class OpenRun:
    """A run whose folder this process has locked.

    Attributes:
        config: the config, resolved and loaded.
        folder: the run folder.
        journal: the open journal.
        reporter: receives the events of the run.
        stop: set when the user requests a stop.
    """

    config: Config
    folder: Path
    journal: Journal
    reporter: Reporter = field(default_factory=SilentReporter)
    stop: threading.Event = field(default_factory=threading.Event)

    def vouch(self) -> None:
        """Record for this account that the folder may import the code that its config names."""
        code = named_modules(self.config)
        if code and not vouch(self.folder, self.journal.meta().get("run", ""), code):
            self.reporter.warning("the user's state folder cannot be written: `optsearch resume` will need `--trust`")

    def _mixed(self, hosts: Sequence[str]) -> None:
        self.journal.note(MIXED, list(hosts))

    @contextmanager
    def workers(self) -> Iterator[RecordedTrials]:
        """Start the workers, and end them afterwards.

        Yields:
            Runs trials on the workers, and records them in the journal.

        Raises:
            WorkersLostError: no worker is left and none can be started; the message has the command that resumes.
        """
        started = time.monotonic() - self.journal.meta().get(SECONDS, 0.0)
        try:
            with executor(
                self.config, self.reporter.note, self.stop, self._mixed, warn=self.reporter.warning
            ) as workers:
                self.reporter.workers_started(workers.describe)
                yield RecordedTrials(self.journal, workers, self.reporter.trials_run)
        except WorkersLostError as error:
            command = self.journal.meta().get(TRIALS_OF) or f"optsearch resume {self.folder}"
            remedy = f"nothing recorded is lost, and `{command}` continues the run"
            raise WorkersLostError(f"{error}; {remedy}") from None
        finally:
            self.journal.note(SECONDS, round(time.monotonic() - started, 1))


@contextmanager
def new_run(
    config: Config, folder: Path, reporter: Reporter | None = None, stop: threading.Event | None = None
) -> Iterator[OpenRun]:
    """Create a run.

    Args:
        config: the config of the run.
        folder: the run folder, which is created; it may exist if it is empty.
        reporter: receives the events of the run.
        stop: set when the user requests a stop.

    Yields:
        The open run.

    Raises:
        UserError: the config is not valid, or the folder is not empty. A `UserError` before anything is recorded, such
            as one about workers that cannot start, removes the folder again.
    """
    reporter, stop = reporter or SilentReporter(), stop or threading.Event()
    start = load_config(config, say=reporter.note)
    config = with_registered_rates(config)
    check_names(config)
    check_algorithm(config, start)  # reports errors in the settings of the algorithm before a folder is created
    claim(folder)
    meta = {
        "run": new_id(),
        "config": recorded_values(config, folder),
        "start": to_text(start),
        "yardstick": yardstick(config),
        "versions": versions(),
        "searches": config.search.repeats * config.search.rounds,
    }
    with locked(folder), removed_if_empty(folder, stop), Journal.create(folder / JOURNAL, meta) as journal:
        write_text(folder / CONFIG, to_yaml(config, folder))
        opened = OpenRun(config, folder, journal, reporter, stop)
        opened.vouch()
        yield opened


@contextmanager
def existing_run(
    folder: Path,
    reporter: Reporter | None = None,
    stop: threading.Event | None = None,
    *,
    repair_journal: bool = False,
    trust: bool = False,
    workers: WorkerSettings | None = None,
) -> Iterator[OpenRun]:
    """Open the run of a folder.

    Args:
        folder: the run folder.
        reporter: receives the events of the run.
        stop: set when the user requests a stop.
        repair_journal: first replace a damaged journal by its readable part.
        trust: import the code that the folder names, even if the run was not started by this account.
        workers: worker settings in place of the recorded ones; a recorded cluster address is never used.

    Yields:
        The open run.

    Raises:
        UserError: the folder has no run; the run is in use or damaged; its tasks or data have changed; or it names code
            and was not started by this account.
    """
    reporter = reporter or SilentReporter()
    look(folder, damaged=True).close()  # reports errors before a lock file is written to a foreign folder
    with locked(folder):
        if repair_journal:
            kept = repair(folder / JOURNAL)
            reporter.note(f"the journal is repaired: {kept:,} candidates are kept, and the old file is beside it")
        with open_journal(folder) as journal:
            config = config_of(journal, folder)
            if workers is not None:
                config = config.model_copy(update={"workers": workers})
            elif config.workers.executor == "ray":
                reporter.note("workers run on this machine; `--set workers.address=HOST:PORT` selects a cluster")
            _check_trusted(config, folder, journal, trust)
            load_config(config, with_start=False, say=reporter.note)
            check_names(config)
            opened = OpenRun(config, folder, journal, reporter, stop or threading.Event())
            if trust:
                opened.vouch()
            _check_scores_mix(config, journal, folder, reporter)
            yield opened


def _check_trusted(config: Config, folder: Path, journal: Journal, trust: bool) -> None:
    """Raise `UserError` if the folder names code, was not started by this account, and is not trusted."""
    code = named_modules(config)
    if not trust and not vouched(folder, journal.meta().get("run", ""), code):
        raise UserError(
            f"`{folder}` was not started by this account, or was moved, and would import "
            f"{', '.join(map(describe_module, code))}; check this code, then continue with `--trust`"
        )


def _check_scores_mix(config: Config, journal: Journal, folder: Path, reporter: Reporter) -> None:
    """Raise `UserError` if new scores would not be comparable with recorded ones; warn of different versions."""
    meta = journal.meta()
    if meta["yardstick"] != yardstick(config):
        raise UserError(f"the tasks, data or baselines of `{folder}` have changed; new scores would not be comparable")
    now, before = versions(), meta["versions"]
    changed = [name for name in dict.fromkeys([*now, DEVICE]) if now.get(name) != before.get(name)]
    if changed:
        reporter.warning(f"versions have changed since the start ({', '.join(changed)}); results may round differently")


def config_of(journal: Journal, folder: Path) -> Config:
    """Read the config of a run, without the address of a cluster.

    Args:
        journal: the journal of the run.
        folder: the run folder, to which recorded paths are relative.

    Returns:
        The config; keys that the recorded config lacks have their defaults.
    """
    meta = journal.meta()
    config = restore_config(meta["config"] | {"selection": meta.get("selection", meta["config"]["selection"])}, folder)
    return config.model_copy(update={"workers": config.workers.model_copy(update={"address": None})})
