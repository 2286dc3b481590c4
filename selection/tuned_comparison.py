"""Comparison of any optimizers on one task after tuning with equal budgets: a funnel of one stage."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from primitives import BUILTINS, Program, UserError, builtin, nearest
from proxy_tasks import REFERENCE, Task
from selection.comparison import LAST_SEEDS
from selection.intervals import Verdict
from selection.optimizers import OPTIMIZERS, Optimizer, starting
from selection.own_optimizers import from_optax
from selection.stage import Stage, Standing, stage_losses, standings_of, tune_entrants
from selection.trials import Entrant, LocalTrials, TrialRunner

Named = Any  # str, Program, Optimizer, optax.GradientTransformation, or a function that returns one


@dataclass(frozen=True)
class TunedComparison:
    """Result of `compare`.

    Attributes:
        task: name of the task.
        reference: name of the entrant that the others are compared with.
        standings: result of each entrant on the test split, from best to worst, the reference last.
        trials: number of sets of constants that each tuning tried.
        tunings: number of tunings.
        seeds: number of fresh seeds.
        losses: test losses of each entrant by name, shape `(tunings, seeds)`; seeds are the same for all.
    """

    task: str
    reference: str
    standings: tuple[Standing, ...]
    trials: int
    tunings: int
    seeds: int
    losses: Mapping[str, np.ndarray] = field(default_factory=dict, repr=False)

    def __getitem__(self, name: str) -> Standing:
        """Result of the entrant `name`; raises `KeyError` if there is none."""
        return {row.name: row for row in self.standings}[name]

    @property
    def verdicts(self) -> dict[str, Verdict]:
        """Verdict on each entrant but the reference."""
        return {row.name: row.verdict for row in self.standings if row.name != self.reference}

    def as_json(self) -> dict[str, Any]:
        """JSON values."""
        values = {key: getattr(self, key) for key in ("task", "reference", "trials", "tunings", "seeds")}
        return values | {"standings": [row.as_json() for row in self.standings]}


def compare(
    entrants: Sequence[Named] | Mapping[str, Named],
    task: Task,
    *,
    trials: int = 24,
    tuning_seeds: int = 2,
    tunings: int = 3,
    seeds: int = 8,
    reference: str = REFERENCE,
    runner: TrialRunner | None = None,
    report: Callable[[str], None] = lambda phase: None,
) -> TunedComparison:
    """Tune several optimizers with equal budgets on a task, and compare them with a reference.

    The comparison uses fresh seeds and the test split.

    Verdicts are those of the funnel: the 95 % confidence interval over seeds and tunings, corrected for the number of
    entrants, excludes zero, or the verdict is `CANNOT_TELL`.

    Args:
        entrants: programs, optimizers, names of baselines or of built-in programs, transformations of optax, or
            functions that return one (see `selection.own_optimizers`); by name, or as a sequence.
        task: task to train on.
        trials: number of settings of the constants that each tuning tries; use at least four for each constant.
        tuning_seeds: number of networks trained in each trial.
        tunings: number of independent tunings. With one, verdicts do not cover the variation between tunings.
        seeds: number of fresh seeds.
        reference: name of the entrant with which the others are compared; it is added if it is missing.
        runner: runs the trials; this process by default.
        report: called with a line of text at the start of each phase.

    Raises:
        UserError: an entrant is unknown, two have the same name, or a number is too small.
    """
    for name, value, least in (("trials", trials, 1), ("tuning_seeds", tuning_seeds, 1), ("tunings", tunings, 1)):
        _at_least(name, value, least)
    _at_least("seeds", seeds, 2)
    named = resolve_entrants(entrants, task)
    if reference not in named:
        named |= resolve_entrants([reference], task)
    stage = Stage((task,), len(named), trials * tuning_seeds, tuning_seeds, seeds, tunings)
    chosen = runner or LocalTrials()
    report(f"tuning {len(named)} entrants on {task.name}, {tunings} × {trials} trials each")
    tuned = tune_entrants({name: (entrant,) for name, entrant in named.items()}, stage, chosen)
    report(f"comparing them on {seeds} fresh seeds")
    losses = stage_losses(tuned, stage, chosen, seeds=range(LAST_SEEDS, LAST_SEEDS + seeds), split="test")
    ranks = {name: rank for rank, name in enumerate(name for name in named if name != reference)}
    standings = standings_of(tuned, losses, ranks=ranks, reference=reference)
    return TunedComparison(
        task.name, reference, standings, trials, tunings, seeds, {name: rows[0] for name, rows in losses.items()}
    )


def resolve_entrants(entrants: Sequence[Named] | Mapping[str, Named], task: Task) -> dict[str, Entrant]:
    """Entrants by name, each with the constants that its tuning starts at.

    A name stands for the baseline of that name with the constants stored for the task, or for a built-in program. In a
    sequence, programs are named `program 1`, `program 2`, …, and transformations after their functions.

    Raises:
        UserError: there is no entrant, an entrant is unknown, or two have the same name.

    Example:
        >>> from proxy_tasks import builtin_task
        >>> list(resolve_entrants(["lion", builtin("signum")], builtin_task("digits")))
        ['lion', 'program 2']
    """
    if not entrants:
        raise UserError("`entrants` must not be empty")
    if isinstance(entrants, Mapping):
        return {name: _entrant(entrant, task, name) for name, entrant in entrants.items()}
    found: dict[str, Entrant] = {}
    for number, one in enumerate(entrants, start=1):
        entrant = _entrant(one, task, None)
        name = one if isinstance(one, str) else f"program {number}" if isinstance(entrant, Program) else entrant.name
        if name in found:
            raise UserError(f"two of `entrants` have the name `{name}`; pass a mapping: {{'a': …, 'b': …}}")
        found[name] = entrant
    return found


def _entrant(one: Named, task: Task, name: str | None) -> Entrant:
    if isinstance(one, Program | Optimizer):
        return one
    if not isinstance(one, str):
        return from_optax(one, name=name)
    if one in OPTIMIZERS:
        return starting(one, task)
    if one in BUILTINS:
        return builtin(one)
    known = [*OPTIMIZERS, *(program for program in BUILTINS if program not in OPTIMIZERS)]
    raise UserError(f"unknown optimizer `{one}`{nearest(one, known)} (known: {', '.join(known)})")


def _at_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise UserError(f"`{name}` (={value}) must be at least {least}")
