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
SIGN, SCALED = ("sign(c)",), ("square(g)", "interp(s, v, 0.7)", "sqrt(v)", "c / r")  # of Lion; of AdamW
ROOT = "sqrt(lr)"


def program(scaling: tuple[str, ...], rate: str, factor: float) -> Program:
    """A program with two betas, decoupled decay, and an update in proportion to a rate.

    Args:
        scaling: statements that turn the momentum `c` into the direction `d`.
        rate: `lr`, or an expression in it.
        factor: of the rate, before tuning.
    """
    names = {"square(g)": "s", "interp(s, v, 0.7)": "v", "sqrt(v)": "r"}
    lines = [
        "c = interp(g, m, 0.8)",
        *(f"{names.get(call, 'd')} = {call}" for call in scaling),
        *([] if rate == "lr" else [f"root = {rate}"]),
        f"rate = {'lr' if rate == 'lr' else 'root'} * {factor}",
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
        "Lion": program(SIGN, "lr", 1.0),
        "Lion, √lr": program(SIGN, ROOT, 0.1),
        "AdamW with two betas": program(SCALED, "lr", 2.0),
        "AdamW with two betas, √lr": program(SCALED, ROOT, 0.2),
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
