"""Ablations of the structure search: `python -m benchmarks.ablations [ARM…]`.

Each arm changes one part of `configs/lion.yaml` and searches with the seeds of `results/lion` and fewer candidates. The
best of the first `CANDIDATES` programs of each search is scored on fresh seeds, with the constants that the search gave
it, and differences are paired by seed. The arm `as configured` is read from the journals in `results/lion`: a shorter
search is the beginning of a longer one.

The arm `regularized evolution` is the algorithm of Chen et al. (2023, section 2) on the same task. Its candidates cost
less, so it has more of them; the column of minutes shows how the compute of the arms compares.

Runs are in `build/ablations` and continue when the same command is repeated. The rows of finished arms are written to
`results/lion/ablations.json`, and the table of all rows into `docs/lion.md`; `--report` writes the table alone.
"""

from search.execution import pin_threads

pin_threads()

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import ttest_1samp

from benchmarks.lion_report import ACCOUNT, PAGE, between, kept
from primitives import parse
from search.record import Journal, look
from search.running import TARGETS, compare_methods, course, judge_of
from search.settings import Config, read_config
from selection import FRESH_SEEDS, LocalTrials

ROOT = Path(__file__).resolve().parent.parent
ROWS = ACCOUNT.with_name("ablations.json")
RUNS = ROOT / "build" / "ablations"
MARKS = "<!-- ablations: begin -->", "<!-- ablations: end -->"
SEEDS = [run["seed"] for run in json.loads(ACCOUNT.read_text(encoding="utf-8"))["runs"]]
CANDIDATES = 600
REFERENCE = "as configured"
_STRUCTURES = "search.structures."
ARMS: dict[str, list[str]] = {
    "no corpus": [f"{_STRUCTURES}corpus=[]"],
    "corpus without Signum": [
        f"{_STRUCTURES}corpus=[sgd, momentum, nesterov, adagrad, rmsprop, adam, adamw, adabelief]"
    ],
    "no tuning of constants": [
        f"{_STRUCTURES}{key}=0" for key in ("short_trials", "whole_trials", "climb_trials", "refined")
    ],
    "a structure is evaluated once": [f"{_STRUCTURES}retries=0"],
    "constants are tuned on the same seeds": [f"{_STRUCTURES}climb_rotates=false"],
    "the best cells are tuned further": [f"{_STRUCTURES}refined_first=best"],
    "no homologous crossover": [f"{_STRUCTURES}homologous=0"],
    "one cell": [f"{_STRUCTURES}cells=[]"],
    "no simplification": [f"{_STRUCTURES}simplify=false"],
    "regularized evolution": ["search.algorithm=regularized_evolution", "search.children=4000"],
}


def config_of(arm: str, seed: int) -> Config:
    """The config of one search."""
    overrides = [f"search.children={CANDIDATES}", *ARMS.get(arm, []), f"seed={seed}"]
    return read_config(ROOT / "configs" / "lion.yaml", overrides)


def row_of(config: Config, journal: Journal) -> dict[str, Any]:
    """Results of one search; of a structure search, those of its first candidates.

    A generation is never cut, so that searches end after different numbers of candidates.
    """
    last = CANDIDATES if config.search.algorithm == "structures" else config.search.children
    judge = judge_of(config, range(FRESH_SEEDS, FRESH_SEEDS + config.selection.seeds))
    best = min(journal.rows("number <= ? and status = 'ok'", given=(last,)), key=lambda row: row.fitness)
    (fresh,) = LocalTrials().run([judge.fitness(parse(best.program))])
    led = [entry for entry in course(journal, 0, TARGETS["lion"]) if entry["candidate"] <= last]
    level = max(entry["level"] for entry in led)
    return {"seed": config.seed, "fresh": fresh.fitness, "level": level, "led": led[-1]["what"]}


def reference() -> list[dict[str, Any]]:
    """Results of the committed searches, cut to the same number of candidates."""
    rows = []
    for seed in SEEDS:
        with kept(ACCOUNT.parent / f"seed-{seed}") as journal:
            rows.append(row_of(config_of(REFERENCE, seed), journal))
    return rows


def measure(arm: str) -> list[dict[str, Any]]:
    """Run, or continue, the searches of an arm."""
    if arm == REFERENCE:
        return reference()
    rows = []
    for seed in SEEDS:
        place, config = RUNS / arm.replace(" ", "-"), config_of(arm, seed)
        compare_methods({f"seed-{seed}": config}, place)
        with look(place / f"seed-{seed}") as journal:
            rows.append(row_of(config, journal) | {"seconds": journal.meta()["seconds"]})
        print(f"{time.strftime('%H:%M')} {arm}, seed {seed}: {rows[-1]}", flush=True)
    return rows


def table(arms: dict[str, list[dict[str, Any]]]) -> str:
    """One row for each arm, as Markdown."""
    base = {row["seed"]: row["fresh"] for row in arms[REFERENCE]}
    head = ["arm", "fitness on fresh seeds", "difference", *(f"level {level}" for level in (1, 2, 3)), "minutes"]
    lines = [head, ["---"] + ["--:"] * (len(head) - 1)]
    for arm in (REFERENCE, *ARMS):
        if arm in arms:
            lines.append([arm, *_cells(arms[arm], base if arm != REFERENCE else None)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cells(rows: Sequence[dict[str, Any]], base: dict[int, float] | None) -> list[str]:
    fresh = np.array([row["fresh"] for row in rows])
    difference = "" if base is None else _difference([row["fresh"] - base[row["seed"]] for row in rows])
    levels = [f"{sum(row['level'] >= level for row in rows)} of {len(rows)}" for level in (1, 2, 3)]
    minutes = [row["seconds"] / 60 for row in rows if "seconds" in row]
    return [f"{fresh.mean():+.3f}", difference, *levels, f"{np.mean(minutes):.0f}" if minutes else ""]


def _difference(differences: Sequence[float]) -> str:
    """Mean of differences with its 95 % interval (Student, 1908)."""
    interval = ttest_1samp(differences, 0.0).confidence_interval()
    return f"{np.mean(differences):+.3f} ({interval.low:+.3f} … {interval.high:+.3f})"


def main() -> None:
    """Run the wanted arms, by default all, and write rows and table."""
    arms = json.loads(ROWS.read_text(encoding="utf-8")) if ROWS.exists() else {}
    wanted = [] if "--report" in sys.argv else sys.argv[1:] or [REFERENCE, *ARMS]
    for arm in wanted:
        rows = measure(arm)
        arms = json.loads(ROWS.read_text(encoding="utf-8")) if ROWS.exists() else {}
        arms[arm] = rows
        ROWS.write_text(json.dumps(arms, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(between(PAGE.read_text(encoding="utf-8"), MARKS, table(arms)), encoding="utf-8")
    print(table(arms))


if __name__ == "__main__":
    main()
