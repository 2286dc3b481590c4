"""Optimizers with the square root of the learning rate, against the same with the rate itself.

`python -m benchmarks.schedule_powers [TASK]` tunes all with equal budgets on `vit_noisy` (or another task) and prints
the log loss ratio to the tuned AdamW on fresh seeds. Where the root is better, the schedule of the task decays too
fast, and a search there finds programs that change the schedule.
"""

from search.execution import pin_threads

pin_threads()

import sys

from benchmarks.limits import table
from optsearch import compare
from primitives import Program, parse

TRIALS, TUNING_SEEDS, SEEDS = 40, 3, 12
SIGN = ("d = sign(c)",)  # of Lion
SCALED = ("s = square(g)", "v = interp(s, v, 0.7)", "r = sqrt(v)", "d = c / r")  # of AdamW


def program(*directions: str) -> Program:
    """A program with two betas, decoupled decay, and an update `d * rate`.

    Args:
        directions: statements that compute the direction `d` from the momentum `c`, and `rate` from `lr`.
    """
    lines = [
        "c = interp(g, m, 0.8)",
        *directions,
        "d = d * rate",
        "decay = w * 0.5",
        "decay = decay * lr",
        "update = d + decay",
        "m = interp(g, m, 0.93)",
        "return update, m, v",
    ]
    return parse("\n    ".join(["def train(w, g, m, v, lr):", *lines]) + "\n")


def main() -> None:
    """Tune, compare and print a table."""
    entrants = {
        "Lion": program(*SIGN, "rate = lr * 1.0"),
        "Lion, √lr": program(*SIGN, "root = sqrt(lr)", "rate = root * 0.1"),
        "AdamW with two betas": program(*SCALED, "rate = lr * 2.0"),
        "AdamW with two betas, √lr": program(*SCALED, "root = sqrt(lr)", "rate = root * 0.2"),
    }
    task = sys.argv[1] if len(sys.argv) > 1 else "vit_noisy"
    found = compare(entrants, task=task, trials=TRIALS, tuning_seeds=TUNING_SEEDS, tunings=1, seeds=SEEDS)
    rows = []
    for name in entrants:
        low, high = found[name].interval
        rows.append((name, f"{found[name].log_ratio:+.3f}", f"{low:+.3f} … {high:+.3f}"))
    print("\n".join(table(["program", f"log loss ratio to AdamW on {task}", "95 % interval"], rows)))


if __name__ == "__main__":
    main()
