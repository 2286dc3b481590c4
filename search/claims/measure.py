"""Measurement of all claims: `optsearch reproduce claims`.

Trainings are trials of a run: they are executed by its workers and recorded in its journal, so the same command
continues after a stop. Each group of claims is written to `claims.json` when it is complete.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from primitives import UserError
from proxy_tasks import SMALLEST
from search.claims.claim import Result
from search.claims.comparisons import (
    LARGEST_FACTORIAL,
    Measuring,
    against_published,
    batch_sizes,
    compare_families,
    parts_of_lion,
)
from search.claims.costs import memory, speed
from search.claims.maps import rate_and_decay
from search.claims.searches import about_searches, not_measured
from search.claims.weights import weights_and_updates
from search.record import JOURNAL, plain, write_text
from search.running import OpenRun, Reporter, SilentReporter, compare_methods, existing_run, new_run, versions
from search.settings import ClaimSettings, build_config, read_config

CLAIMS = "claims.json"
SEARCHES = "searches"  # folder of the compared searches


class _Stopping(SilentReporter):
    """Passes events on, and ends the measurement after a trial if a stop was requested."""

    def __init__(self, reporter: Reporter, stop: threading.Event) -> None:
        self._reporter, self._stop = reporter, stop

    def note(self, message: str) -> None:
        self._reporter.note(message)

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
        The contents of `claims.json`: `settings`, `versions`, and `results`, a list of groups with `name`, `claims` and
        `data`.

    Raises:
        UserError: the folder has something else, or a search cannot be read.
        KeyboardInterrupt: a stop was requested; the same call continues.
    """
    asked = stop or threading.Event()
    own = _Stopping(reporter or SilentReporter(), asked)
    searches = {path.stem: read_config(path) for path in map(Path, settings.searches)}
    facts = _facts(settings, folder)
    with _opened(settings, folder, own, asked) as opened, opened.workers() as trials:
        measuring = Measuring(settings, trials, own.phase_started)
        for result in _groups(measuring, {row["name"] for row in facts["results"]}):
            facts["results"].append(result.as_json())
            write_text(folder / CLAIMS, json.dumps(plain(facts), indent=1) + "\n")
    own.check()
    if not any(row["name"] == SEARCHES for row in facts["results"]):
        methods = compare_methods(searches, folder / SEARCHES, reporter, asked) if searches else []
        found = about_searches(methods, searches, folder / SEARCHES) if searches else not_measured()
        facts["results"].append(found.as_json())
        write_text(folder / CLAIMS, json.dumps(plain(facts), indent=1) + "\n")
    return facts


def _groups(measuring: Measuring, done: set[str]) -> Iterator[Result]:
    """Measure the groups that are not done, the cheap ones first."""
    steps: list[tuple[str, Callable[[], Result]]] = [
        ("memory", memory),
        ("speed", speed),
        ("maps", lambda: rate_and_decay(measuring)),
        ("weights", lambda: weights_and_updates(measuring)),
        ("batches", lambda: batch_sizes(measuring)),
    ]
    for name, measure in steps:
        if name not in done:
            measuring.note(f"measuring: {name}")
            yield measure()
    for size, budget in measuring.sizes():
        makers = {"published": against_published} | ({"parts": parts_of_lion} if size <= LARGEST_FACTORIAL else {})
        missing = [make for name, make in makers.items() if f"{name} x{size}" not in done]
        if missing:
            families = compare_families(measuring, size, budget)
            yield from (make(size, families) for make in missing)


def _facts(settings: ClaimSettings, folder: Path) -> dict[str, Any]:
    """Results so far, if they have the same settings and versions; otherwise none.

    Trials of other settings stay in the journal, and those that are needed again are not run again.
    """
    facts = {"settings": settings.model_dump(mode="json", exclude={"workers"}), "versions": versions()}
    path = folder / CLAIMS
    if path.exists():
        try:
            known = json.loads(path.read_text(encoding="utf-8"))
            if all(known[key] == value for key, value in facts.items()):
                return facts | {"results": list(known["results"])}
        except (ValueError, KeyError, TypeError):
            raise UserError(
                f"`{path}` is not the result of `optsearch reproduce claims`; choose another `--out`"
            ) from None
    return facts | {"results": []}


@contextmanager
def _opened(settings: ClaimSettings, folder: Path, reporter: Reporter, stop: threading.Event) -> Iterator[OpenRun]:
    """The run whose journal records the trials; it has no candidates."""
    config = build_config({"tasks": list(SMALLEST), "workers": settings.workers.model_dump(mode="json")})
    if (folder / JOURNAL).exists():
        with existing_run(folder, reporter, stop, workers=config.workers) as opened:
            yield opened
    else:
        with new_run(config, folder, reporter, stop) as opened:
            yield opened
