"""Progress of a search for callbacks, and a progress bar for terminals and notebooks."""

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tqdm.auto import tqdm

from search.engine import Record
from search.record import Journal
from search.running import Counts, SilentReporter
from search.settings import Config


@dataclass(frozen=True)
class Progress:
    """State of a search at one time.

    Attributes:
        phase: `"starting"`, `"searching"`, or the name of a phase after the search.
        children: number of recorded candidates over all repeats and rounds.
        total: largest number of candidates.
        evaluated: number of trained candidates; the others are duplicates.
        best: lowest fitness so far; infinite at the start.
        trials: number of trials of tuning and selection so far.
    """

    phase: str = "starting"
    children: int = 0
    total: int = 0
    evaluated: int = 0
    best: float = math.inf
    trials: int = 0


class WarningReporter(SilentReporter):
    """Turns messages about problems into Python warnings, and ignores all other events."""

    def warning(self, message: str) -> None:
        """Issue a `UserWarning`."""
        warnings.warn(message, stacklevel=2)


class CallbackReporter(WarningReporter):
    """Calls a function with a `Progress` at each event of a run.

    Args:
        callback: called in the thread of the search. An exception that it raises ends the search.
    """

    def __init__(self, callback: Callable[[Progress], Any]) -> None:
        self._callback = callback
        self._phase, self._total, self._trials, self._counts = "starting", 0, 0, Counts()

    def run_started(self, config: Config, journal: Journal) -> None:
        """Start from the counts of the journal."""
        self._counts, self._total = Counts.of(journal), config.search.most_candidates
        self._call()

    def round_started(self, number: int) -> None:
        """Set the phase to `searching`."""
        self.phase_started("searching")

    def candidates_recorded(self, records: Sequence[Record]) -> None:
        """Count the new candidates."""
        for record in records:
            self._counts.add(record)
        if records:
            self._call()

    def trials_run(self, total: int) -> None:
        """Update the number of trials."""
        self._trials = total
        self._call()

    def phase_started(self, name: str) -> None:
        """Update the phase."""
        self._phase = name
        self._call()

    def _call(self) -> None:
        counts = self._counts
        numbers = (counts.children, self._total, counts.evaluated, counts.best_fitness, self._trials)
        self._callback(Progress(self._phase, *numbers))


class Bar:
    """A progress bar on standard error or in a notebook; it is called with each `Progress`, and closed at the end."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] = tqdm(unit=" candidates", desc="starting", leave=False)

    def __call__(self, progress: Progress) -> None:
        """Show the state of the search."""
        self._bar.total = progress.total or None
        self._bar.n = progress.children
        self._bar.set_description(progress.phase, refresh=False)
        shown = {"evaluated": progress.evaluated, "best": f"{progress.best:.3f}"}
        self._bar.set_postfix(shown | ({"trials": progress.trials} if progress.trials else {}), refresh=False)
        self._bar.update(0)

    def close(self) -> None:
        """Remove the bar."""
        self._bar.close()
