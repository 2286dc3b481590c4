"""The funnel: stages on larger tasks, at which programs are compared with tuned baselines.

A program that wins on a proxy task may exploit features of this task only (Chen et al., 2023, section 2.3). At each
stage (see `selection.stage`) programs and baselines are tuned with equal budgets and trained on fresh seeds. A program
enters the next stage if it is better than the tuned AdamW: the confidence interval over seeds and tunings, corrected
for the number of programs, lies below zero. The last table uses the test split and other seeds, so that it does not
favour the program that the last stage selected.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from primitives import Program
from proxy_tasks import REFERENCE, log_loss
from selection.comparison import LAST_SEEDS, Comparison, comparison_row
from selection.intervals import pooled_variance
from selection.stage import (
    Entrants,
    Stage,
    StageResult,
    Standing,
    stage_losses,
    stage_seeds,
    standings_of,
    tune_entrants,
)
from selection.trials import Entrant, TrialRunner


@dataclass(frozen=True)
class FunnelResult:
    """Result of a funnel.

    Attributes:
        stages: results of the completed stages; the funnel ends at a stage that no program passes.
        table: entrants of the last completed stage on the test split and on fresh seeds.
    """

    stages: tuple[StageResult, ...]
    table: tuple[Comparison, ...]

    def as_json(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "stages": [stage.as_json() for stage in self.stages],
            "table": [row.as_json() for row in self.table],
            "winner": self.winner.name if self.winner else None,
        }

    @property
    def winner(self) -> Standing | None:
        """The best program that passed every stage; `None` if there is none."""
        return next(iter(self.stages[-1].survivors), None) if self.stages else None

    @property
    def last(self) -> Standing:
        """The best program of the last completed stage, also if it is not better than the reference."""
        return self.stages[-1].standings[0]


def run_funnel(
    programs: Sequence[Program],
    stages: Sequence[Stage],
    baselines: Mapping[str, Entrant],
    *,
    runner: TrialRunner,
    report: Callable[[str], None] = lambda phase: None,
) -> FunnelResult:
    """Run the stages.

    Args:
        programs: distinct programs, best first, with constants tuned on the small tasks.
        stages: settings of at least one stage, each with larger tasks than the stage before.
        baselines: baselines by name, including `adamw`, with constants tuned in the same way.
        runner: runs the trials.
        report: called with a line of text at the start of each phase.
    """
    held: list[StageResult] = []
    entered = {f"program {index + 1}": program for index, program in enumerate(programs[: stages[0].programs])}
    ranks = {name: index for index, name in enumerate(entered)}
    entrants: Entrants = {name: (entrant,) for name, entrant in (entered | dict(baselines)).items()}
    for number, stage in enumerate(stages):
        where = f"stage {number + 1} of {len(stages)}, {', '.join(task.name for task in stage.tasks)}"
        times = f"{stage.tunings} times" if stage.tunings > 1 else "once"
        report(f"{where}: tuning {len(entrants)} programs and baselines {times}, with {stage.trials} trials each time")
        entrants = tune_entrants(entrants, stage, runner, number=number)
        report(f"{where}: comparing on {stage.seeds} fresh seeds")
        losses = stage_losses(entrants, stage, runner, seeds=stage_seeds(stage, number))
        held.append(StageResult(stage, standings_of(entrants, losses, ranks=ranks)))
        if number + 1 == len(stages) or not held[-1].survivors:
            break
        kept = {row.name for row in held[-1].survivors[: stages[number + 1].programs]} | set(baselines)
        entrants = {name: versions for name, versions in held[-1].entrants.items() if name in kept}
    return FunnelResult(tuple(held), tuple(_table(held[-1], runner)))


def _table(result: StageResult, runner: TrialRunner) -> list[Comparison]:
    """All entrants of a stage on the test split."""
    stage, names = result.stage, [row.name for row in result.standings if row.index is not None]
    seeds = range(LAST_SEEDS, LAST_SEEDS + stage.seeds)
    found = stage_losses(result.entrants, stage, runner, seeds=seeds, split="test")
    rows = []
    for place, task in enumerate(stage.tasks):
        losses = {name: values[place] for name, values in found.items()}
        pooled = pooled_variance(log_loss(losses[name]) for name in (*names, REFERENCE))
        rows += [
            comparison_row(own, losses[REFERENCE], program=name, task=task.name, split="test", pooled=pooled)
            for name, own in losses.items()
        ]
    return rows
