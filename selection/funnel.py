"""The funnel: programs that won on small tasks meet tuned baselines on larger ones, stage by stage.

A program that wins on a proxy has often only learnt the proxy (Chen et al., 2023, section 2.3). At each stage

1. every program and every baseline has its constants tuned with the same budget, on seeds that serve for nothing
   else, several times and each time independently of the others: with few trials, where tuning ends is luck as well;
2. all of them are trained on fresh seeds, and set beside the tuned AdamW, paired by seed;
3. programs that are better than it go on: those whose interval, over seeds and tunings and corrected for the number of
   programs, excludes zero.

The last table is on the test split and on seeds of its own, so that it does not flatter whoever the stage chose.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from primitives.program import Program
from proxy_tasks.loss import log_loss, mean_log_loss
from proxy_tasks.task import Task
from selection.bayesian import bayesian
from selection.comparison import LAST_SEEDS, STAGE_SEEDS, TUNING_SEEDS, Comparison, comparison
from selection.intervals import Verdict, interval, pooled_variance, verdicts
from selection.optimizers import Optimizer, stored
from selection.trials import Bench, Subject, Trial, Work, subject_text, train
from selection.tuning import tuned

REFERENCE = "adamw"  # the baseline that programs have to beat
_APART = 1000  # seeds of comparisons at different stages, and of different tunings
_STAGES_APART = 100  # seeds of tunings at different stages


@dataclass(frozen=True)
class Stage:
    """One stage.

    Attributes:
        tasks: what is trained; they count alike.
        programs: how many enter at most.
        budget: networks that each tuning of each program and each baseline trains, on each task.
        tuning_seeds: networks trained in each trial of tuning.
        seeds: fresh ones of the comparison.
        tunings: how often all are tuned; with one, verdicts do not know of luck in tuning.
    """

    tasks: tuple[Task, ...]
    programs: int
    budget: int
    tuning_seeds: int
    seeds: int
    tunings: int = 1

    @property
    def trials(self) -> int:
        """Settings of its constants that each tuning tries."""
        return self.budget // self.tuning_seeds


@dataclass(frozen=True)
class Standing:
    """How a program or a baseline did at a stage.

    Attributes:
        name: of the baseline, or `program` with its rank before the funnel, from 1.
        index: that rank from 0; `None` for a baseline.
        subjects: with the constants that each tuning ended at.
        log_ratio: mean over tunings and seeds of log(loss / loss of the tuned AdamW), mean over tasks; not finite if
            diverged.
        interval: its 95 % confidence interval, not corrected.
        verdict: with the correction for the number of programs (baselines: of baselines).
    """

    name: str
    index: int | None
    subjects: tuple[Subject, ...]
    log_ratio: float
    interval: tuple[float, float]
    verdict: Verdict

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        plain = {key: getattr(self, key) for key in ("name", "index", "log_ratio", "interval")}
        return plain | {"subjects": [*map(subject_text, self.subjects)], "verdict": str(self.verdict)}


@dataclass(frozen=True)
class Stood:
    """A stage that was held: who stood how, programs first, each part best first."""

    stage: Stage
    standings: tuple[Standing, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        stage = self.stage
        return {
            "tasks": [task.name for task in stage.tasks],
            "trials": stage.trials,
            "tuning_seeds": stage.tuning_seeds,
            "tunings": stage.tunings,
            "seeds": stage.seeds,
            "standings": [row.as_json() for row in self.standings],
        }

    @property
    def survivors(self) -> list[Standing]:
        """Programs that are better than the tuned AdamW, best first."""
        return [row for row in self.standings if row.index is not None and row.verdict is Verdict.BETTER]


@dataclass(frozen=True)
class Outcome:
    """What came through.

    Attributes:
        stages: those that were held; the funnel ends where no program survives.
        table: the last stage on the test split, on fresh seeds.
    """

    stages: tuple[Stood, ...]
    table: tuple[Comparison, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "stages": [stage.as_json() for stage in self.stages],
            "table": [row.as_json() for row in self.table],
            "winner": self.winner.name if self.winner else None,
        }

    @property
    def winner(self) -> Standing | None:
        """The best program that survived every stage; `None` if there is none."""
        return next(iter(self.stages[-1].survivors), None) if self.stages else None

    @property
    def last(self) -> Standing:
        """The best program of the last stage that was held, whether it is better than the baseline or not."""
        return self.stages[-1].standings[0]


def run_funnel(
    programs: Sequence[Program],
    stages: Sequence[Stage],
    baselines: Mapping[str, Subject],
    bench: Bench,
    report: Callable[[str], None] = lambda phase: None,
) -> Outcome:
    """Run the stages.

    Args:
        programs: distinct, best first, with constants that were tuned on the small tasks.
        stages: at least one; each with larger tasks than the one before.
        baselines: with constants that were tuned in the same way; `adamw` among them.
        bench: trains.
        report: called with what is being done.
    """
    held: list[Stood] = []
    entered = {f"program {index + 1}": program for index, program in enumerate(programs[: stages[0].programs])}
    ranks = {name: index for index, name in enumerate(entered)}
    contenders: dict[str, tuple[Subject, ...]] = {name: (who,) for name, who in (entered | dict(baselines)).items()}
    for number, stage in enumerate(stages):
        where = f"stage {number + 1} of {len(stages)}, {', '.join(task.name for task in stage.tasks)}"
        times = f"{stage.tunings} times" if stage.tunings > 1 else "once"
        report(
            f"{where}: tuning {len(contenders)} programs and baselines {times}, with {stage.trials} trials each time"
        )
        contenders = _all_tuned(contenders, number, stage, bench)
        report(f"{where}: comparing on {stage.seeds} fresh seeds")
        first = STAGE_SEEDS + number * _APART
        losses = _losses(contenders, stage, range(first, first + stage.seeds), "validation", bench)
        held.append(Stood(stage, _standings(contenders, losses, ranks)))
        if number + 1 == len(stages) or not held[-1].survivors:
            break
        kept = {row.name for row in held[-1].survivors[: stages[number + 1].programs]} | set(baselines)
        contenders = {row.name: row.subjects for row in held[-1].standings if row.name in kept}
    return Outcome(tuple(held), tuple(_table(held[-1], bench)))


def _all_tuned(
    contenders: Mapping[str, tuple[Subject, ...]], place: int, stage: Stage, bench: Bench
) -> dict[str, tuple[Subject, ...]]:
    """Each contender as every tuning has it.

    Each tuning begins where one of the stage before ended, so that they stay independent; baselines also where they
    stand for the tasks of the stage, if that is on file. A verdict for a program then cannot come from a reference that
    nobody knew how to set.
    """
    works = []
    for name, subjects in contenders.items():
        known = [stored(name, task) for task in stage.tasks] if isinstance(subjects[0], Optimizer) else []
        for number in range(stage.tunings):
            starts = [subjects[number % len(subjects)], *(subject for subject in known if subject is not None)]
            works.append(_tuned(name, list(dict.fromkeys(starts)), stage, place, number))
    found = iter(bench.run(works))
    return {name: tuple(islice(found, stage.tunings)) for name in contenders}


def _tuned(name: str, starts: Sequence[Subject], stage: Stage, place: int, number: int) -> Work[Subject]:
    """Tuning `number` of the stage at `place`; its seeds and random numbers are its own."""
    first = TUNING_SEEDS + number * _APART + place * _STAGES_APART
    seeds = range(first, first + stage.tuning_seeds)

    def value(draft: Subject) -> Work[float]:
        losses = yield [Trial(draft, task, seeds) for task in stage.tasks]
        return mean_log_loss(losses)

    return (yield from tuned(bayesian(starts, stage.trials, (number + place * _APART, *name.encode())), value)).program


def _losses(
    contenders: Mapping[str, tuple[Subject, ...]], stage: Stage, seeds: range, split: str, bench: Bench
) -> dict[str, np.ndarray]:
    """For each contender its losses, shape `(tasks, tunings, seeds)`."""
    works = [
        train([Trial(subject, task, seeds, split) for task in stage.tasks for subject in subjects])
        for subjects in contenders.values()
    ]
    shape = (len(stage.tasks), stage.tunings, len(seeds))
    found = (np.reshape(losses, shape) for losses in bench.run(works))
    return dict(zip(contenders, found, strict=True))


def _standings(
    contenders: Mapping[str, tuple[Subject, ...]], losses: Mapping[str, np.ndarray], ranks: Mapping[str, int]
) -> tuple[Standing, ...]:
    with np.errstate(all="ignore"):
        logs = {name: np.mean(log_loss(values), axis=0) for name, values in losses.items()}
        ratios = {name: values - logs[REFERENCE] for name, values in logs.items()}
    pooled = pooled_variance(values for name, values in logs.items() if name in ranks or name == REFERENCE)
    sound = bool(np.all(np.isfinite(logs[REFERENCE])))  # if the reference diverged, nobody can be set beside it
    rows = []
    for programs in (True, False):
        part = {name: values for name, values in ratios.items() if (name in ranks) == programs}
        judged = {name: values for name, values in part.items() if name != REFERENCE and sound}
        said = verdicts(judged, pooled=pooled)
        found = [
            Standing(
                name,
                ranks.get(name),
                contenders[name],
                float(np.mean(values)),
                interval(values, pooled=pooled),
                said.get(name, Verdict.CANNOT_TELL),
            )
            for name, values in part.items()
        ]
        rows += sorted(found, key=lambda row: (not np.isfinite(row.log_ratio), row.log_ratio))
    return tuple(rows)


def _table(stood: Stood, bench: Bench) -> list[Comparison]:
    """Everyone of a stage on the test split."""
    stage = stood.stage
    contenders = {row.name: row.subjects for row in stood.standings}
    found = _losses(contenders, stage, range(LAST_SEEDS, LAST_SEEDS + stage.seeds), "test", bench)
    rows = []
    for place, task in enumerate(stage.tasks):
        losses = {name: values[place] for name, values in found.items()}
        judged = [log_loss(losses[row.name]) for row in stood.standings if row.index is not None]
        pooled = pooled_variance([*judged, log_loss(losses[REFERENCE])])
        rows += [comparison(name, task.name, "test", own, losses[REFERENCE], pooled) for name, own in losses.items()]
    return rows
