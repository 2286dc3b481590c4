"""Replays of the cheap stages of an evaluation on the programs of a search without hurdles.

The short training, the race and the sanity probe are replayed on each program, which shows the training that each of
them would have saved and the best programs that it would have dropped.
"""

import math
from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

import numpy as np

from primitives import Program, parse
from proxy_tasks import Probe, Trainer, baseline, builtin_task
from search.engine import Hurdle
from search.record import CandidateRow
from search.settings import Config

SHARES = (0.1, 0.25, 0.5)  # shares of the steps of the short training
MARGINS = (0.1, 0.3, 0.6)
BEST = (0.01, 0.05)
FIRST, SEEDS = 2, 8
RACES = ((2, 4), (2, 4, 6))  # seeds trained before each hurdle
RACE_MARGINS = (0.0, 0.05, 0.1)
PROBES = (2, 3, 5)  # steps of the sanity probe


class Replay(NamedTuple):
    """The programs of a search without hurdles, each trained on all seeds.

    Attributes:
        programs: in order of their numbers.
        ratios: log loss ratios to AdamW, infinite where a program diverged, shape `(programs, SEEDS)`.
    """

    programs: list[Program]
    ratios: np.ndarray

    @property
    def full(self) -> np.ndarray:
        """Fitness on all seeds."""
        return np.asarray(self.ratios.mean(axis=1))

    def race(self, stages: Sequence[int], race_margin: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """Number of seeds that a race would have trained with each program, and the first hurdle that rejects it.

        Args:
            stages: number of seeds trained before each hurdle.
            race_margin: margin of the hurdles after the first.
        """
        settings, span = Config().evaluation, Config().search.population
        margins = [settings.hurdle_margin] + [race_margin] * (len(stages) - 1)
        rolling = [Hurdle(span, settings.hurdle_quantile, margin) for margin in margins]
        reached = np.array([self.ratios[:, :count].mean(axis=1) for count in stages]).T
        trained, heights = np.full(len(reached), SEEDS), np.empty(len(reached))
        for number, fitnesses in enumerate(reached):
            if number == 0:
                _add(rolling, fitnesses)
            heights[number] = rolling[0].height
            missed = [not fitness <= hurdle.height for fitness, hurdle in zip(fitnesses, rolling, strict=True)]
            if any(missed):
                trained[number] = stages[missed.index(True)]
            elif np.isfinite(self.full[number]):
                _add(rolling, fitnesses)
        return trained, heights

    def lost(self, dropped: np.ndarray) -> list[str]:
        """Number of the best programs that are dropped."""
        sound = self.full[np.isfinite(self.full)]
        best = [self.full <= np.quantile(sound, share) for share in BEST]
        return [f"{np.sum(those & dropped)} of {those.sum()}" for those in best]


def _add(rolling: Sequence[Hurdle], fitnesses: np.ndarray) -> None:
    for hurdle, fitness in zip(rolling, fitnesses, strict=True):
        hurdle.add(float(fitness))


def replay(task_name: str, rows: Sequence[CandidateRow]) -> Replay:
    """The programs of a search without hurdles."""
    task = builtin_task(task_name)
    reference = Trainer(task, range(SEEDS)).losses(baseline(task))
    return Replay([parse(row.program) for row in rows], np.array([_ratios(row, task_name, reference) for row in rows]))


def _ratios(row: CandidateRow, task: str, reference: np.ndarray) -> np.ndarray:
    """Log loss ratios to AdamW, infinite where the program diverged."""
    losses = np.array([math.inf if loss is None else loss for loss in row.losses[task]])
    return np.log(losses / reference) if len(losses) == len(reference) else np.full(len(reference), math.inf)


def looks(task_name: str, found: Replay) -> list[list[str]]:
    """Savings and losses of the short training: rows of a table."""
    task = builtin_task(task_name)
    trained, heights = found.race((FIRST,))
    table = [_look("first seeds alone, then the others", found, np.zeros(len(trained), bool), trained, 0.0)]
    for share in SHARES:
        trainer = Trainer(task, range(FIRST), horizon=round(share * task.steps))
        start = np.log(trainer.losses(baseline(task)))
        with np.errstate(divide="ignore", invalid="ignore"):
            early = np.array([np.log(trainer.losses(program)) - start for program in found.programs]).mean(axis=1)
        for margin in MARGINS:
            name = f"and before that {share:.0%} of the steps, margin {margin}"
            table.append(_look(name, found, ~(early <= heights + margin), trained, share))
    return table


def _look(name: str, found: Replay, early: np.ndarray, trained: np.ndarray, share: float) -> list[str]:
    """Training as a percentage of all steps of all seeds, and number of the best programs that are lost."""
    dropped = early | (trained < SEEDS)
    cost = share * FIRST + np.where(early, 0, trained)
    return [name, f"{early.mean():.0%}", f"{dropped.mean():.0%}", f"{cost.mean() / SEEDS:.0%}", *found.lost(dropped)]


def races(found: Replay) -> list[list[str]]:
    """Savings and losses of each stage of a race: rows of a table."""
    table = []
    for stages, margin in [((FIRST,), 0.0), *product(RACES, RACE_MARGINS)]:
        trained, _ = found.race(stages, margin)
        for place, count in enumerate(stages):
            dropped, until = trained <= count, np.where(trained <= count, trained, SEEDS)
            heads = (", ".join(map(str, (*stages, SEEDS))), f"{margin:g}") if place == 0 else ("", "")
            shares = f"{np.mean(trained == count):.0%}", f"{until.mean() / SEEDS:.0%}"
            table.append([*heads, str(count), *shares, *found.lost(dropped)])
    return table


def sanities(task_name: str, found: Replay) -> list[list[str]]:
    """Savings and losses of the sanity probe: rows of a table."""
    trained, _ = found.race((FIRST,))
    sound = np.isfinite(found.full)
    better = found.full <= np.median(found.full[sound])
    table = []
    for steps in PROBES:
        probe = Probe(builtin_task(task_name), range(FIRST), steps, "validation")
        faults, rises = probe.faults(found.programs), np.concatenate([probe.rises([one]) for one in found.programs])
        kinds = [np.array([kind in fault for fault in faults]) for kind in ("not finite", "unmoved", "times as high")]
        dropped = np.array([bool(fault) for fault in faults])
        saved = (dropped * np.minimum(trained, SEEDS)).sum() / trained.sum()
        table.append(
            [
                str(steps),
                *(f"{kind.mean():.1%}" for kind in kinds),
                f"{saved:.0%}",
                str(int(np.sum(dropped & (trained == SEEDS)))),
                *found.lost(dropped),
                f"{rises[better].min(axis=1).max():.3g}",
            ]
        )
    return table
