"""Checks for meta-overfitting during a search.

After each fixed number of children, the best program so far of a repeat is scored on fresh seeds and on larger tasks.
Meta-overfitting means that fitness on the tasks of the search keeps improving while the best programs get worse on the
larger tasks (Chen et al., 2023, section 2.3). The decision to end a repeat depends on the recorded history up to a
fixed number only, so it is the same at any parallelism and after a resume.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from primitives import parse
from proxy_tasks import log_ratio
from search.engine import Engine
from search.record import Journal
from search.running.recorded_trials import RecordedTrials, TakeScore, unexpected
from search.running.setup import tasks_of
from search.settings import Config, larger_tasks
from selection import CHECK_SEEDS, Trial, Work, interval, train

PATIENCE = 3  # checks in a row


@dataclass(frozen=True)
class Check:
    """Scores of the best program of a repeat after a number of candidates.

    Attributes:
        repeat: number of the repeat.
        number: number of candidates before the check.
        fitness: fitness in the search.
        fresh: mean log loss ratio to the starting program, on the tasks of the search and fresh seeds; lower is better.
        larger: the same on the larger tasks.
        per_seed: `larger` for each seed.
    """

    repeat: int
    number: int
    fitness: float
    fresh: float
    larger: float
    per_seed: tuple[float, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {key: getattr(self, key) for key in ("repeat", "number", "fitness", "fresh", "larger")}


def overfits(curve: Sequence[Check]) -> bool:
    """Whether the last checks are all worse on the larger tasks than the best check, and better in the search.

    A check is worse if the confidence interval of the paired differences over seeds lies above zero.
    """
    best = min(range(len(curve)), key=lambda index: (curve[index].larger, index), default=0)
    last = curve[best + 1 :][-PATIENCE:]
    return len(last) == PATIENCE and all(
        check.fitness < curve[best].fitness
        and interval(np.array(check.per_seed) - np.array(curve[best].per_seed))[0] > 0
        for check in last
    )


class Checks:
    """Checks of a run.

    Args:
        config: the config of the run.
        journal: the journal of the run.
        trials: runs trials and records them.
    """

    def __init__(self, config: Config, journal: Journal, trials: RecordedTrials) -> None:
        self._journal, self._trials = journal, trials
        self._every, self._stops = config.selection.check_every, config.selection.stop_on_meta_overfitting
        self._seeds = range(CHECK_SEEDS, CHECK_SEEDS + config.selection.check_seeds)
        self._tasks = (tasks_of(config), larger_tasks(config.tasks, config.selection.check_size)) if self._every else ()
        self._start = parse(journal.meta()["start"])

    def pause_at_next(self, repeat: int, engine: Engine) -> None:
        """Make an engine pause at the next check."""
        if self._every:
            engine.pause_at(-(-max(1, engine.recorded_count) // self._every) * self._every)

    def examine(self, repeat: int, engine: Engine, take_score: TakeScore) -> None:
        """Check the best program if the engine is paused for a check; then continue or end the repeat.

        Args:
            repeat: number of the repeat.
            engine: its engine.
            take_score: called with the scores of candidates that arrive during the check.
        """
        if not engine.paused:
            return
        curve = self.curve(repeat, engine.recorded_count, take_score)
        if self._stops and overfits(curve):
            engine.end()
        else:
            engine.pause_at(engine.recorded_count + self._every)

    def curve(self, repeat: int, upto: int, take_score: TakeScore = unexpected) -> list[Check]:
        """All checks of a repeat up to a number of candidates; trials that are not recorded are run."""
        if not self._every:
            return []
        numbers = range(self._every, upto + 1, self._every)
        return [
            check
            for check in self._trials.run([self._check(repeat, number) for number in numbers], take_score)
            if check
        ]

    def all(self) -> list[Check]:
        """The checks of all repeats, up to their numbers of recorded candidates."""
        return [check for repeat, count in self._journal.counts() for check in self.curve(repeat, count)]

    def _check(self, repeat: int, number: int) -> Work[Check | None]:
        row = next(iter(self._journal.best(1, repeats=range(repeat, repeat + 1), before=number)), None)
        if row is None:  # no program was trained on all seeds so far
            return None
        program, ratios = parse(row.program), []
        for tasks in self._tasks:
            own = yield from train([Trial(program, task, self._seeds) for task in tasks])
            first = yield from train([Trial(self._start, task, self._seeds) for task in tasks])
            ratios.append(np.mean(log_ratio(own, first), axis=0))
        fresh, larger = ratios
        return Check(repeat, number, row.fitness, float(fresh.mean()), float(larger.mean()), tuple(larger.tolist()))


def draw(curve: Sequence[Check], path: Path) -> None:
    """Draw the checks of a run: search fitness, fresh seeds and larger tasks against candidates."""
    from matplotlib.figure import Figure  # takes half a second to import

    figure = Figure(figsize=(10, 3.6), layout="constrained")
    titles = {"fitness": "in the search", "fresh": "fresh seeds", "larger": "larger tasks"}
    for axes, (key, title) in zip(figure.subplots(1, 3), titles.items(), strict=True):
        for repeat in sorted({check.repeat for check in curve}):
            own = [check for check in curve if check.repeat == repeat]
            points = [(check.number, getattr(check, key)) for check in own]
            axes.plot(*zip(*points, strict=True), marker=".", label=f"repeat {repeat}")
        axes.set(xlabel="candidates", title=f"best so far, {title}")
    figure.axes[0].set_ylabel("fitness")
    figure.axes[1].set_ylabel("log loss ratio to the starting program")
    figure.axes[2].legend(fontsize="small")
    figure.savefig(path)
