"""A funnel stage: entrants are tuned with equal budgets, trained on fresh seeds, and compared with the reference.

Entrants are programs and baselines. Tuning is repeated, each time on other seeds and independently of the others, since
with few trials its result varies by chance. Seeds of different stages and of different purposes are disjoint.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from proxy_tasks import REFERENCE, Task, log_loss, mean_log_loss
from selection.bayesian import bayesian_search
from selection.comparison import STAGE_SEEDS, TUNING_SEEDS
from selection.intervals import Verdict, interval, pooled_variance, verdicts
from selection.optimizers import Optimizer, stored
from selection.trials import Entrant, Trial, TrialRunner, Work, entrant_text, train
from selection.tuning import tuning_work

_APART = 1000  # distance between the first seeds of comparisons at different stages, and of different tunings
_STAGES_APART = 100  # distance between the first seeds of tunings at different stages

Entrants = Mapping[str, tuple[Entrant, ...]]  # entrants by name, with the constants of each tuning


@dataclass(frozen=True)
class Stage:
    """Settings of one stage.

    Attributes:
        tasks: tasks that are trained; they have equal weight.
        programs: largest number of programs that enter.
        budget: number of networks that each tuning of each entrant trains on each task.
        tuning_seeds: number of networks trained in each trial of tuning.
        seeds: number of fresh seeds of the comparison.
        tunings: number of independent tunings of each entrant. With one, verdicts do not cover the variation between
            tunings.
    """

    tasks: tuple[Task, ...]
    programs: int
    budget: int
    tuning_seeds: int
    seeds: int
    tunings: int = 1

    @property
    def trials(self) -> int:
        """Number of sets of constants that each tuning tries."""
        return self.budget // self.tuning_seeds


@dataclass(frozen=True)
class Standing:
    """Result of one entrant at a stage.

    Attributes:
        name: name of the baseline, or `program` with its rank before the funnel, from 1.
        index: that rank from 0; `None` for a baseline.
        entrants: the entrant with the constants of each tuning.
        log_ratio: mean over tunings and seeds of log(loss / loss of the reference), mean over tasks; not finite if
            training diverged.
        interval: its 95 % confidence interval, not corrected for the number of entrants.
        verdict: comparison with the reference, corrected for the number of programs or, for a baseline, of baselines.
    """

    name: str
    index: int | None
    entrants: tuple[Entrant, ...]
    log_ratio: float
    interval: tuple[float, float]
    verdict: Verdict

    def as_json(self) -> dict[str, Any]:
        """JSON values; entrants as text."""
        values = {key: getattr(self, key) for key in ("name", "index", "log_ratio", "interval")}
        return values | {"subjects": [*map(entrant_text, self.entrants)], "verdict": str(self.verdict)}


@dataclass(frozen=True)
class StageResult:
    """Result of one stage.

    Attributes:
        stage: its settings.
        standings: result of each entrant: programs first, each group from best to worst.
    """

    stage: Stage
    standings: tuple[Standing, ...]

    def as_json(self) -> dict[str, Any]:
        """JSON values."""
        stage = self.stage
        settings = {key: getattr(stage, key) for key in ("trials", "tuning_seeds", "tunings", "seeds")}
        tasks = [task.name for task in stage.tasks]
        return {"tasks": tasks, **settings, "standings": [row.as_json() for row in self.standings]}

    @property
    def survivors(self) -> list[Standing]:
        """Programs that are better than the reference, best first."""
        return [row for row in self.standings if row.index is not None and row.verdict is Verdict.BETTER]

    @property
    def entrants(self) -> dict[str, tuple[Entrant, ...]]:
        """Every entrant with the constants of each tuning."""
        return {row.name: row.entrants for row in self.standings}


def tune_entrants(entrants: Entrants, stage: Stage, runner: TrialRunner, *, number: int = 0) -> Entrants:
    """Tune all entrants of a stage.

    Each tuning starts at the constants of one tuning of the stage before, so that they stay independent; a baseline
    also tries the constants that are stored for the tasks of the stage. A verdict therefore does not depend on a
    reference whose tuning started far from good constants.

    Args:
        entrants: entrants by name, with the constants of each tuning so far.
        stage: settings of the stage.
        runner: runs the trials.
        number: number of the stage, which selects the seeds.

    Returns:
        For each entrant, the constants of each tuning.
    """
    works = []
    for name, versions in entrants.items():
        known = [stored(name, task) for task in stage.tasks] if isinstance(versions[0], Optimizer) else []
        for tuning in range(stage.tunings):
            starts = [versions[tuning % len(versions)], *(version for version in known if version is not None)]
            works.append(_tuned(name, list(dict.fromkeys(starts)), stage, place=number, tuning=tuning))
    found = iter(runner.run(works))
    return {name: tuple(islice(found, stage.tunings)) for name in entrants}


def _tuned(name: str, starts: Sequence[Entrant], stage: Stage, *, place: int, tuning: int) -> Work[Entrant]:
    """One tuning of an entrant at stage `place`; no other tuning has its seeds and random numbers."""
    first = TUNING_SEEDS + tuning * _APART + place * _STAGES_APART
    seeds = range(first, first + stage.tuning_seeds)

    def objective(entrant: Entrant) -> Work[float]:
        losses = yield [Trial(entrant, task, seeds) for task in stage.tasks]
        return mean_log_loss(losses)

    proposals = bayesian_search(starts, stage.trials, (tuning + place * _APART, *name.encode()))
    return (yield from tuning_work(proposals, objective)).program


def stage_seeds(stage: Stage, number: int = 0) -> range:
    """Fresh seeds of the comparison at stage `number`."""
    first = STAGE_SEEDS + number * _APART
    return range(first, first + stage.seeds)


def stage_losses(
    entrants: Entrants, stage: Stage, runner: TrialRunner, *, seeds: range, split: str = "validation"
) -> dict[str, np.ndarray]:
    """Train all entrants; returns the losses of each, shape `(tasks, tunings, seeds)`."""
    works = [
        train([Trial(version, task, seeds, split) for task in stage.tasks for version in versions])
        for versions in entrants.values()
    ]
    shape = (len(stage.tasks), stage.tunings, len(seeds))
    found = (np.reshape(losses, shape) for losses in runner.run(works))
    return dict(zip(entrants, found, strict=True))


def standings_of(
    entrants: Entrants, losses: Mapping[str, np.ndarray], *, ranks: Mapping[str, int], reference: str = REFERENCE
) -> tuple[Standing, ...]:
    """Compare all entrants with the reference.

    Args:
        entrants: entrants by name.
        losses: losses as returned by `stage_losses`.
        ranks: rank of each program from 0; entrants without a rank are baselines.
        reference: name of the entrant that the others are compared with.

    Returns:
        Programs, then baselines, each group from best to worst. If the reference diverged, every verdict is
        `cannot tell`.
    """
    with np.errstate(all="ignore"):
        logs = {name: np.mean(log_loss(values), axis=0) for name, values in losses.items()}
        ratios = {name: values - logs[reference] for name, values in logs.items()}
    pooled = pooled_variance(values for name, values in logs.items() if name in ranks or name == reference)
    sound = bool(np.all(np.isfinite(logs[reference])))
    rows: list[Standing] = []
    for programs in (True, False):
        group = {name: values for name, values in ratios.items() if (name in ranks) == programs}
        compared = {name: values for name, values in group.items() if name != reference and sound}
        said = verdicts(compared, pooled=pooled)
        found = [
            Standing(
                name,
                ranks.get(name),
                entrants[name],
                float(np.mean(values)),
                interval(values, pooled=pooled),
                said.get(name, Verdict.CANNOT_TELL),
            )
            for name, values in group.items()
        ]
        rows += sorted(found, key=lambda row: (not np.isfinite(row.log_ratio), row.log_ratio))
    return tuple(rows)
