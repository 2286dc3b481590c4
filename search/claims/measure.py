"""Measurement of all claims: `optsearch reproduce claims`.

Trainings are trials of a run: they are executed by its workers and recorded in its journal, so the same command
continues after a stop. Each group of claims is written to `claims.json` when it is complete, unless one of its
trainings crashed or took too long.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from proxy_tasks import SMALLEST
from search.claims.batches import batch_sizes
from search.claims.claim import Result
from search.claims.comparisons import (
    LARGEST_FACTORIAL,
    Measuring,
    against_published,
    compare_families,
    parts_of_lion,
    sizes,
)
from search.claims.costs import memory, speed
from search.claims.maps import rate_and_decay
from search.claims.results_file import COMMAND, ResultsFile
from search.claims.searches import about_searches, not_measured, search_configs
from search.claims.used_trials import UsedTrials
from search.claims.weights import weights_and_updates
from search.record import JOURNAL, TRIALS_OF
from search.running import OpenRun, Reporter, SilentReporter, compare_methods, existing_run, new_run
from search.settings import ClaimSettings, ComparisonSettings, Config, build_config

SEARCHES = "searches"  # folder of the compared searches
Step = tuple[Sequence[str], Callable[[Measuring], Sequence[Result]]]  # names of results, and their measurement


class _Stopping(SilentReporter):
    """Passes events on, and ends the measurement after a trial if a stop was requested."""

    def __init__(self, reporter: Reporter, stop: threading.Event) -> None:
        self._reporter, self._stop = reporter, stop

    def note(self, message: str) -> None:
        self._reporter.note(message)

    def warning(self, message: str) -> None:
        self._reporter.warning(message)

    def workers_started(self, describe: Callable[[], str]) -> None:
        self._reporter.workers_started(describe)

    def trials_run(self, total: int) -> None:
        self._reporter.trials_run(total)
        self.check()

    def phase_started(self, name: str) -> None:
        self._reporter.phase_started(name)
        self.check()

    def check(self) -> None:
        """Raise `KeyboardInterrupt` if a stop was requested."""
        if self._stop.is_set():
            raise KeyboardInterrupt


def measure_claims(
    settings: ClaimSettings, folder: Path, reporter: Reporter | None = None, stop: threading.Event | None = None
) -> dict[str, Any]:
    """Measure the claims, or continue.

    Args:
        settings: tasks and budgets.
        folder: folder of the journal and the results.
        reporter: receives the events.
        stop: set when the user requests a stop.

    Returns:
        The contents of `claims.json`: `format`, `settings`, `searches`, `versions`, and `results`, a list of groups
        with `name`, `claims` and `data`. A group of which a training crashed or took too long is missing.

    Raises:
        UserError: the folder has something else, or a search cannot be read or is not that of the folder.
        KeyboardInterrupt: a stop was requested; the same call continues.
    """
    asked = stop or threading.Event()
    own = _Stopping(reporter or SilentReporter(), asked)
    searches = search_configs(settings)
    file = ResultsFile(settings, searches, folder)
    compared = partial(_searches, searches, folder / SEARCHES, reporter, asked)
    with _opened(settings, folder, own, asked) as opened:
        # first what needs no workers or has its own, since workers would disturb the measurement of times
        for name, measure in (("memory", memory), ("speed", speed), ("searches", compared)):
            own.check()
            if not file.has([name]):
                own.phase_started(f"measuring: {name}")
                file.add([measure()])
        own.check()
        steps = [step for step in _steps(settings) if not file.has(step[0])]
        if steps:
            _measure(settings, steps, opened, file, own)
    return file.facts


def _searches(configs: dict[str, Config], folder: Path, reporter: Reporter | None, stop: threading.Event) -> Result:
    """Run the searches, and compare them."""
    if not configs:
        return not_measured()
    return about_searches(compare_methods(configs, folder, reporter, stop), configs, folder)


def _steps(settings: ClaimSettings) -> Iterator[Step]:
    """The groups that need trainings, the cheap ones first."""
    yield ["maps"], lambda measuring: [rate_and_decay(measuring)]
    yield ["weights"], lambda measuring: [weights_and_updates(measuring)]
    yield ["batches"], lambda measuring: [batch_sizes(measuring)]
    for size, budget in sizes(settings):
        yield _comparison(size, budget)


def _comparison(size: int, budget: ComparisonSettings) -> Step:
    """The groups that share the comparison of all families in one size."""
    makers = {"published": against_published} | ({"parts": parts_of_lion} if size <= LARGEST_FACTORIAL else {})

    def measure(measuring: Measuring) -> Sequence[Result]:
        families = compare_families(measuring, size, budget)
        return [make(families) for make in makers.values()]

    return [f"{name} x{size}" for name in makers], measure


def _measure(
    settings: ClaimSettings, steps: Sequence[Step], opened: OpenRun, file: ResultsFile, reporter: _Stopping
) -> None:
    """Measure groups with the workers of a run; one of which a training failed is left out of the file."""
    with opened.workers() as trials:
        for names, measure in steps:
            reporter.phase_started(f"measuring: {', '.join(names)}")
            runner = UsedTrials(trials)
            results = measure(Measuring(settings, runner, reporter.phase_started))
            failed = runner.failed(opened.journal)
            if failed:
                reporter.warning(
                    f"{', '.join(names)}: no result, since {failed} trainings crashed or exceeded `wall_limit`; "
                    "the same command runs them again"
                )
            else:
                file.add(results)


@contextmanager
def _opened(settings: ClaimSettings, folder: Path, reporter: Reporter, stop: threading.Event) -> Iterator[OpenRun]:
    """The run whose journal records the trials; it has no candidates."""
    config = build_config({"tasks": list(SMALLEST), "workers": settings.workers.model_dump(mode="json")})
    exists = (folder / JOURNAL).exists()
    run = (
        existing_run(folder, reporter, stop, workers=config.workers)
        if exists
        else new_run(config, folder, reporter, stop)
    )
    with run as opened:
        opened.journal.note(TRIALS_OF, COMMAND)
        yield opened
