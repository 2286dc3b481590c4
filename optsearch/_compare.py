"""Comparison of programs, baselines and optax transformations on a task, after tuning with equal budgets."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from optsearch._found import Found
from optsearch._programs import program
from primitives import UserError
from proxy_tasks import Task
from search.running import load_tasks
from selection import OPTIMIZERS, Optimizer, TunedComparison
from selection import compare as compare_entrants


def compare(
    entrants: Any,  # noqa: ANN401 - an entrant, or several
    *,
    task: str | Task = "digits",
    trials: int = 24,
    tuning_seeds: int = 2,
    tunings: int = 3,
    seeds: int = 8,
    reference: str = "adamw",
    report: Callable[[str], None] = lambda phase: None,
) -> TunedComparison:
    """Tune optimizers with equal budgets on a task, and compare them with a reference.

    The comparison uses fresh seeds and the test split.

    Args:
        entrants: programs (as for `optsearch.program`), names of baselines (`optsearch list`), transformations of
            optax, or functions such as `optax.nadam` that return one; a sequence, a mapping by name, or a single one.
        task: name of a task, or a `Task`.
        trials: number of settings of the constants that each tuning tries.
        tuning_seeds: number of networks trained in each trial.
        tunings: number of independent tunings. With one, verdicts do not cover the variation between tunings.
        seeds: number of fresh seeds.
        reference: name of the entrant with which the others are compared; it is added if it is missing.
        report: called with a line of text at the start of each phase.

    Returns:
        For each entrant, the log loss ratio to the reference with its 95 % interval, and a verdict: `better`, `worse`
        or `cannot tell`.

    Raises:
        UserError: an entrant or task is unknown, there is no entrant, or a number is too small.

    Example:
        >>> import optax, optsearch
        >>> found = optsearch.compare({"still": optax.sgd(0.0)}, trials=1, tunings=1, tuning_seeds=1, seeds=3)
        >>> str(found["still"].verdict)
        'worse'
    """
    chosen = [task] if isinstance(task, Task) else load_tasks(task)
    if len(chosen) != 1:
        raise UserError(f"`task` must be a single task; `{task}` has {len(chosen)}")
    named: Sequence[Any] | Mapping[str, Any]
    if isinstance(entrants, Mapping):
        named = {name: _resolved(entrant) for name, entrant in entrants.items()}
    else:
        named = [_resolved(entrant) for entrant in ([entrants] if _is_one(entrants) else entrants)]
    return compare_entrants(
        named,
        chosen[0],
        trials=trials,
        tuning_seeds=tuning_seeds,
        tunings=tunings,
        seeds=seeds,
        reference=reference,
        report=report,
    )


def _is_one(entrants: Any) -> bool:  # noqa: ANN401 - what a user gives
    """Whether this is a single entrant; a program and a transformation are named tuples."""
    return isinstance(entrants, str | Path | Found | Optimizer) or hasattr(entrants, "_fields") or callable(entrants)


def _resolved(entrant: Any) -> Any:  # noqa: ANN401 - what a user gives
    """Convert a file, a text or a `Found` to a program; names and optimizers are returned unchanged."""
    if isinstance(entrant, Found | Path):
        return program(entrant)
    if isinstance(entrant, str) and entrant not in OPTIMIZERS and ("\n" in entrant or Path(entrant).exists()):
        return program(entrant)
    return entrant
