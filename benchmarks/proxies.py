"""Losses of a panel of optimizers on tasks of all sizes: `python -m benchmarks.proxies [TASK…]`.

Each measurement is a line of `benchmarks/proxies.jsonl`, written at once, and is not repeated: if the command is
stopped, the same command continues. `benchmarks.proxy_report` makes tables and a figure of the lines. The whole panel
is trained on the smallest tasks and on those of ten times the cost, a dozen of it on those of a hundred times the cost.
Tuned optimizers are compared with the tuned AdamW on the smallest tasks.
"""

from search.execution import pin_threads

pin_threads()

import json
import math
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.panel import DOZEN, panel, written
from primitives import PEAK, Program
from proxy_tasks import SMALLEST, TASKS, Task, Trainer, baseline, budget, builtin_task
from selection import FRESH_SEEDS, compare_losses, validation_loss
from selection.baselines import best_of_restarts

ROWS = Path(__file__).with_name("proxies.jsonl")
SEEDS = {1: 16, 10: 4, 100: 1}  # seeds of a measurement, by size of the task
DEAR, DEAR_SEEDS = ("masked", "characters"), {1: 16, 10: 1, 100: 1}  # the most expensive tasks have fewer seeds
CHEAP = ("digits", "views", "denoising", "vit")
STUDY_SEEDS = 40_000  # first seed; no search, tuning or comparison uses these
STAND_SEEDS = 24
STANDS = ("lion", "signum", "adamw", "gm_adam")


def measured() -> list[dict[str, Any]]:
    """The measurements so far."""
    return [json.loads(line) for line in ROWS.read_text().splitlines()] if ROWS.exists() else []


def key(row: dict[str, Any]) -> tuple[str, str, str]:
    """Kind, task and program of a measurement."""
    return row["kind"], row["task"], row["program"]


def _plan() -> Iterator[tuple[str, str, str]]:
    """The measurements to make: kind, task, program."""
    names = list(panel())
    assert {*CHEAP, *DEAR} == set(SMALLEST)
    for name in (*CHEAP, *DEAR, *(f"{name}_x10" for name in CHEAP)):
        yield from (("score", name, program) for program in names)
    for name in ("digits_x100", "views_x100"):
        yield from (("score", name, program) for program in DOZEN)
    for name in DEAR:
        yield from (("score", f"{name}_x10", program) for program in names)
    tuned = ("adamw", "lion")  # with the task's own baselines
    for name in CHEAP:
        yield from (("stand", name, program) for program in tuned)
    yield from (("score", "vit_x100", program) for program in DOZEN)
    for name in ("digits", "views", "denoising"):
        yield from (("stand", name, program) for program in STANDS if program not in tuned)
    for name in DEAR:
        yield from (("stand", name, program) for program in tuned)
    for name in ("vit", *DEAR):
        yield from (("stand", name, program) for program in STANDS if program not in tuned)
    for name in ("denoising", *DEAR):
        yield from (("score", f"{name}_x100", program) for program in DOZEN)


def seeds(of: Task) -> int:
    """Seeds of a measurement."""
    return (DEAR_SEEDS if of.name.startswith(DEAR) else SEEDS)[of.size]


def _score(of: Task, program: Program, trainers: dict[str, Trainer]) -> dict[str, Any]:
    """Losses of a program, and CPU seconds for each seed."""
    if of.name not in trainers:
        trainers.clear()
        trainers[of.name] = Trainer(of, range(STUDY_SEEDS, STUDY_SEEDS + seeds(of)))
        trainers[of.name].losses(program)  # compiles
    before = time.process_time()
    losses = trainers[of.name].losses(program).tolist()
    seconds = (time.process_time() - before) / len(losses)
    return {"losses": [loss if math.isfinite(loss) else None for loss in losses], "seconds": round(seconds, 5)}


def _stand(of: Task, name: str) -> dict[str, Any]:
    """Losses of a tuned optimizer and of the tuned AdamW on fresh seeds, tuned with the budget of the baselines."""
    trials, seeds = budget(of)
    if name in ("adamw", "lion"):
        program = baseline(of, name)
    else:
        program = best_of_restarts(written(name), validation_loss(of, seeds), trials).program
    rows = {
        split: compare_losses({name: program}, [of], range(FRESH_SEEDS, FRESH_SEEDS + STAND_SEEDS), split)[0]
        for split in ("validation", "test")
    }
    *others, rate = (value for *_, value in program.constants())
    return {
        "constants": [round(value, 6) for value in (*others, rate * PEAK)],
        "trials": trials,
        "tuning_seeds": seeds,
        **{split: [row.log_ratio, *row.interval] for split, row in rows.items()},
    }


def main() -> None:
    """Make the missing measurements on the tasks named as arguments, or on all."""
    done = {key(row) for row in measured()}
    programs, trainers = panel(), dict[str, Trainer]()
    with ROWS.open("a", encoding="utf-8") as file:
        for kind, name, program in _plan():
            if (kind, name, program) in done or name not in (sys.argv[1:] or TASKS):
                continue
            of = builtin_task(name)
            found = _score(of, programs[program], trainers) if kind == "score" else _stand(of, program)
            print(json.dumps({"kind": kind, "task": name, "program": program, **found}), file=file, flush=True)


if __name__ == "__main__":
    main()
