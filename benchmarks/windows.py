"""What a wide window costs a search: `python -m benchmarks.windows [FOLDER]`.

With a window of W candidates in flight, the parents of a child are chosen before the scores of the W − 1 candidates
before it are known. Many workers need a wide window. The evolution of `configs/compare/evolution.yaml` runs with
windows of 1 to 4,096 and equal numbers of evaluations, five repeats each, on one core: the history depends on the
window and not on the number of workers.

The runs are written to FOLDER, by default `results/windows`; the same command continues after an interruption.
"""

from search.execution import pin_threads

pin_threads()

import statistics
import sys
from pathlib import Path

from benchmarks.limits import table
from search.running import compare_methods
from search.settings import read_config

CONFIG = Path(__file__).resolve().parent.parent / "configs" / "compare" / "evolution.yaml"
WINDOWS = (1, 8, 64, 512, 4096)


def main() -> None:
    """Run the searches, and print the table."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "results/windows")
    configs = {f"window-{window}": read_config(CONFIG, [f"workers.in_flight={window}"]) for window in WINDOWS}
    rows = []
    for window, method in zip(WINDOWS, compare_methods(configs, folder), strict=True):
        values = [sorted(found) for found in (method.best[:, -1].tolist(), method.fresh)]
        rows.append([f"{window:,}"] + [f"{statistics.median(v):+.3f} ({v[0]:+.3f} … {v[-1]:+.3f})" for v in values])
    print("\n".join(table(["window", "best fitness in the search", "the same on fresh seeds"], rows)))


if __name__ == "__main__":
    main()
