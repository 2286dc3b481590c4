"""Comparison of the baselines, tuned with equal budgets: `python -m benchmarks.baselines TASK…`.

Each measurement is a line of `benchmarks/baselines.jsonl`, written at once, and is not repeated. At the end a table of
all rows is printed for `docs/baselines.md`. On a task of ten times the size nothing is tuned: its rows use the
constants of the small task, which shows whether they carry over.
"""

from search.execution import pin_threads

pin_threads()

import json
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from proxy_tasks import Trainer, builtin_task
from selection import FRESH_SEEDS, OPTIMIZERS, Optimizer, interval, optimizer, tune, validation_loss

ROWS = Path(__file__).with_name("baselines.jsonl")
TRIALS, SEEDS = 60, 4  # trials for each optimizer, and networks trained in each trial
SEEDS_TO_COMPARE = {1: 24, 10: 8}  # fresh seeds, by size of the task
REFERENCE = "adamw"


def measured() -> dict[tuple[str, str], dict[str, Any]]:
    """The measurements so far, by task and optimizer."""
    rows = [json.loads(line) for line in ROWS.read_text().splitlines()] if ROWS.exists() else []
    return {(row["task"], row["optimizer"]): row for row in rows}


def measure(name: str, chosen: Optimizer) -> dict[str, Any]:
    """Tune an optimizer on a small task, or take its constants there for a larger one, and train on fresh seeds."""
    before = time.process_time()
    if builtin_task(name).size == 1:
        best = tune(chosen, validation_loss(builtin_task(name), SEEDS), TRIALS).program
    else:
        best = chosen.with_constants(measured()[name.partition("_")[0], chosen.name]["constants"])
    fresh = {split: _trainer(name, split).losses(best).tolist() for split in ("validation", "test")}
    seconds = round(time.process_time() - before, 1)
    return {"task": name, "optimizer": chosen.name, "constants": best.values, **fresh, "seconds": seconds}


@cache
def _trainer(name: str, split: str) -> Trainer:
    seeds = SEEDS_TO_COMPARE[builtin_task(name).size]
    return Trainer(builtin_task(name), range(FRESH_SEEDS, FRESH_SEEDS + seeds), split)


def table() -> list[str]:
    """Lines of the table in Markdown: losses, and the log ratio to AdamW, paired by seed, with its interval."""
    lines = [
        "| task | tuned optimizer | loss, validation | loss, test | against AdamW, test |",
        "|---|---|--:|--:|--:|",
    ]
    rows = measured()
    for (name, which), row in sorted(rows.items(), key=lambda item: item[0][0]):
        logs = np.log(row["test"]) - np.log(rows[name, REFERENCE]["test"])
        low, high = (f"{100 * np.expm1(end):+.1f}" for end in interval(logs))
        against = "" if which == REFERENCE else f"{100 * np.expm1(logs.mean()):+.1f} % ({low} … {high})"
        rounded = [float(f"{value:.3g}") for value in row["constants"]]
        losses = " | ".join(f"{np.mean(row[split]):.4f}" for split in ("validation", "test"))
        lines.append(f"| `{name}` | `{optimizer(which, rounded)}` | {losses} | {against} |")
    return lines


def main() -> None:
    """Measure the missing rows of the tasks named as arguments, and print the table."""
    with ROWS.open("a", encoding="utf-8") as file:
        for name in sys.argv[1:]:
            for which, chosen in OPTIMIZERS.items():
                if (name, which) not in measured():
                    print(json.dumps(measure(name, chosen)), file=file, flush=True)
    print("\n".join(table()))


if __name__ == "__main__":
    main()
