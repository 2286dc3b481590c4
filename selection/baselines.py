"""Tuning of the baselines of a task: AdamW and Lion over rate, decay and both betas."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import yaml

from primitives import Program, builtin, to_text
from proxy_tasks import BASELINES_FILE, REFERENCE, TASKS, Task, Trainer, baseline, log_loss
from selection.comparison import BASELINES, FRESH_SEEDS
from selection.tuning import EntrantT, Objective, TuningResult, tune, validation_loss

# Approximate medians of the constants tuned for the smallest tasks, in the order of the program.
_STARTS = {"adamw": (0.7, 0.75, 0.1, 1.7), "lion": (0.73, 0.87, 0.4, 1.1)}
_RESTARTS = 3  # independent tunings; the best is kept
_NOISE_SEEDS = 24


def tune_baselines(
    task: Task, trials: int, seeds: int, report: Callable[[str, int, float], None] = lambda name, trial, best: None
) -> dict[str, Any]:
    """Tune every baseline with the same number of trials, in three independent tunings each.

    Args:
        task: the task to train on.
        trials: number of trials for each baseline, over all its tunings.
        seeds: number of networks trained in each trial.
        report: called with the name, the number of each trial and the best mean log loss so far.

    Returns:
        `programs`: text, constants and mean validation loss on fresh seeds of each baseline; `noise`: standard
        deviation over these seeds of log(loss of Lion / loss of AdamW); `trials` and `seeds` as given.
    """
    fresh = Trainer(task, range(FRESH_SEEDS, FRESH_SEEDS + _NOISE_SEEDS))
    objective = validation_loss(task, seeds)
    programs, logs = {}, []
    for name in BASELINES:
        start = _start(task, name)
        best = best_of_restarts(start, objective, trials, partial(report, name)).program
        losses = fresh.losses(best)
        logs.append(log_loss(losses))
        programs[name] = {
            "constants": [round(value, 6) for *_, value in best.constants()],
            "validation_loss": round(float(losses.mean()), 6),
            "program": to_text(best),
        }
    reference = list(BASELINES).index(REFERENCE)
    other = logs[1 - reference] - logs[reference]
    return {"programs": programs, "noise": round(float(np.std(other, ddof=1)), 6), "trials": trials, "seeds": seeds}


def _start(task: Task, name: str) -> Program:
    """The program from which tuning starts; on a larger task, with the constants of the smallest of its family."""
    smallest = TASKS.get(task.name.removesuffix(f"_x{task.size}"))
    if task.size > 1 and smallest is not None:
        return baseline(smallest, name)
    return builtin(name).with_constants(_STARTS[name])


def best_of_restarts(
    start: EntrantT,
    objective: Objective,
    trials: int,
    report: Callable[[int, float], None] = lambda trial, best: None,
) -> TuningResult[EntrantT]:
    """The best of three independent tunings, each with a third of the trials; arguments as for `tune`."""
    each = max(1, trials // _RESTARTS)

    def counted(before: int) -> Callable[[int, float], None]:
        return lambda trial, best: report(before + trial, best)

    found = [tune(start, objective, each, seed=seed, report=counted(seed * each)) for seed in range(_RESTARTS)]
    return min(found, key=lambda tuned: tuned.value)


def write_baselines(task: Task, found: dict[str, Any]) -> None:
    """Store tuned baselines of a built-in task in `proxy_tasks/baselines.yaml`; `found` as from `tune_baselines`."""
    table = yaml.safe_load(BASELINES_FILE.read_text(encoding="utf-8")) if BASELINES_FILE.exists() else None
    rows = {
        name: {key: row[key] for key in ("constants", "validation_loss")} for name, row in found["programs"].items()
    }
    table = dict(table or {}) | {task.name: {**rows, **{key: found[key] for key in ("noise", "trials", "seeds")}}}
    header = "# Tuned constants, in the order of the built-in program; written by `optsearch tune TASK --write`.\n"
    part = BASELINES_FILE.with_name(BASELINES_FILE.name + ".part")  # replaced at once, so that no reader sees a part
    part.write_text(header + yaml.safe_dump(table, sort_keys=True), encoding="utf-8")
    part.replace(BASELINES_FILE)
