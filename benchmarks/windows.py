"""What a wide window costs a search: `python -m benchmarks.windows [FOLDER]`, about 25 minutes of one core.

With a window of W candidates in flight, the parent of a child is chosen before the scores of the W − 1 candidates
before it are known. Many workers need a wide window. The evolution of `configs/compare/evolution.yaml` runs with
windows of 1 to 4,096 and equal numbers of evaluations, five repeats each, on one core: the history depends on the
window and not on the number of workers. The window of 4,096 exceeds the budget, so all children have the starting
program as parent: this row shows what is left without any selection.

The runs are written to FOLDER, by default `results/windows`; the same command continues after an interruption.
"""

from search.execution import pin_threads

pin_threads()

import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.limits import table
from search.record import Journal, open_journal
from search.running import Method, compare_methods
from search.settings import read_config

CONFIG = Path(__file__).resolve().parent.parent / "configs" / "compare" / "evolution.yaml"
WINDOWS = (1, 8, 64, 512, 4096)


def parent_age(journal: Journal) -> float:
    """Median number of candidates between a child and its parent."""
    return median(row.number - row.parent for row in journal.rows("parent is not null") if row.parent is not None)


def report(methods: Sequence[Method], ages: Sequence[float]) -> list[str]:
    """The table: a row for each of `WINDOWS`, compared after equal numbers of evaluations.

    Args:
        methods: results for each window.
        ages: median ages of the parents for each window, in candidates.
    """
    length = min(method.best.shape[1] for method in methods)
    curves = [np.median(method.best[:, :length], axis=0) for method in methods]
    goal = curves[0][length // 2]  # of the narrowest window after half the budget
    rows = []
    for window, method, age, curve in zip(WINDOWS, methods, ages, curves, strict=True):
        values = [sorted(found) for found in (method.best[:, length - 1].tolist(), method.fresh)]
        reached = np.flatnonzero(curve <= goal)
        needed = f"{reached[0] + 1:,}" if len(reached) else f"over {length:,}"
        shown = [f"{median(v):+.3f} ({v[0]:+.3f} … {v[-1]:+.3f})" for v in values]
        rows.append([f"{window:,}", f"{window / length:.1%}", f"{age:,.0f}", *shown, needed])
    heads = [
        "window",
        "share of the evaluations",
        "candidates between parent and child",
        f"best fitness after {length:,} evaluations",
        "at the end, on fresh seeds",
        f"evaluations until the median is {goal:+.3f}",
    ]
    return table(heads, rows)


def main() -> None:
    """Run the searches, and print the table."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "results/windows")
    configs = {f"window-{window}": read_config(CONFIG, [f"workers.in_flight={window}"]) for window in WINDOWS}
    methods = compare_methods(configs, folder)
    ages = []
    for name in configs:
        with open_journal(folder / name) as journal:
            ages.append(parent_age(journal))
    print("\n".join(report(methods, ages)))


if __name__ == "__main__":
    main()
