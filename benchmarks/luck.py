"""Variation of tuned losses between tunings: `python -m benchmarks.luck [TASK]`, by default `vit`.

AdamW from optax starts at constants around the tuned ones of the task, and is tuned several times with few trials, each
time on other seeds, by random search and by Bayesian optimization. The results are compared on the same fresh seeds.

The second part counts false verdicts: funnels of one stage whose program *is* AdamW, started at other constants than
the reference. Each funnel has its own seeds and no stored constants for its task.
"""

from search.execution import pin_threads

pin_threads()

import sys
from dataclasses import replace

import numpy as np

from proxy_tasks import Task, Trainer, baseline, builtin_task
from selection import (
    STAGE_SEEDS,
    ConstantSpace,
    Entrant,
    LocalTrials,
    Optimizer,
    Stage,
    Trial,
    Work,
    bayesian_search,
    random_search,
    run_funnel,
    starting,
    tuning_work,
)
from selection.tuning import EntrantT

REPEATS, FUNNELS = 12, 24
FRESH = 16  # seeds
APART = 0.6  # standard deviation of the starting constants around the tuned ones, in log or logit units
BUDGETS = ((20, 2), (40, 2))  # trials, and networks in each


def moved(subject: EntrantT, number: int) -> EntrantT:
    """The entrant with its constants moved at random."""
    space = ConstantSpace(subject)
    return space.program(space.start + APART * np.random.default_rng(number).normal(size=len(space.start)))


def spreads(of: Task) -> list[str]:
    """A line of the table for each method of tuning and budget."""
    fresh = Trainer(of, range(STAGE_SEEDS, STAGE_SEEDS + FRESH))
    best = starting("adamw", of)
    lines = [f"| the tuned constants themselves | – | {np.mean(np.log(fresh.losses(best))):.3f} | – | – |"]
    for trials, seeds in BUDGETS:
        for name in ("random search", "Bayesian optimization"):
            works = [_tuned(name, moved(best, number), of, trials, seeds, number) for number in range(REPEATS)]
            found = [float(np.mean(np.log(fresh.losses(end)))) for end in LocalTrials().run(works)]
            figures = f"{np.mean(found):.3f} | {np.std(found, ddof=1):.3f} | {np.max(found):.3f}"
            lines.append(f"| {name} | {trials} × {seeds} | {figures} |")
            print(lines[-1], file=sys.stderr, flush=True)
    return lines


def _tuned(name: str, start: Optimizer, of: Task, trials: int, seeds: int, number: int) -> Work[Optimizer]:
    first = 100_000 + 100 * number

    def value(draft: Optimizer) -> Work[float]:
        (losses,) = yield [Trial(draft, of, range(first, first + seeds))]
        with np.errstate(all="ignore"):
            return float(np.mean(np.log(losses)))

    drawn = (
        random_search(start, trials, seed=number)
        if name == "random search"
        else bayesian_search([start], trials, number)
    )
    return (yield from tuning_work(drawn, value)).program


class _World(LocalTrials):
    """Runs trials with an offset of the seeds, since every funnel asks for the same ones."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._shift = 1_000_000 * number

    def _losses(self, trial: Trial) -> np.ndarray:
        seeds = range(trial.seeds.start + self._shift, trial.seeds.stop + self._shift)
        return super()._losses(replace(trial, seeds=seeds))


def false_verdicts(of: Task, tunings: int) -> int:
    """Number of funnels, of `FUNNELS`, that call AdamW better than AdamW."""
    unknown = replace(of, tuned={})  # otherwise the reference would also start at the stored constants
    stage = Stage((unknown,), programs=1, budget=24 // tunings * 2, tuning_seeds=2, seeds=8, tunings=tunings)
    passed = 0
    for number in range(FUNNELS):
        reference: dict[str, Entrant] = {"adamw": moved(starting("adamw", of), 2 * number)}
        world = _World(number + 1)
        passed += run_funnel([moved(baseline(of), 2 * number + 1)], [stage], reference, runner=world).winner is not None
        print(f"{tunings} tunings: {passed} of {number + 1}", file=sys.stderr, flush=True)
    return passed


def main() -> None:
    """Measure, and print the tables of `docs/funnel.md`."""
    of = builtin_task((sys.argv[1:] or ["vit"])[0])
    print("| tuned by | trials × seeds | log of the loss, mean | sd over tunings | worst |\n|---|--:|--:|--:|--:|")
    print("\n".join(spreads(of)))
    for tunings in (1, 3):
        print(f"{tunings} tunings: AdamW better than AdamW in {false_verdicts(of, tunings)} of {FUNNELS} funnels")


if __name__ == "__main__":
    main()
