"""Which schedules of a proxy task reward programs that change the schedule: `python -m benchmarks.schedule_powers`.

Lion and AdamW with a third beta are tuned with a direction that is multiplied by the learning rate, by its square root,
and by its square. The schedule of a seed is a power of a cosine, so that a root makes it flatter and a square
steeper. Where the root or the square is better than the rate itself, a search on the task finds programs that change
the schedule, which is no property of an optimizer.

All forms are tuned once, with equal budgets on the same seeds, for each set of schedules below, and then trained on
fresh seeds. Sets may be named on the command line. The result is a table of the log loss ratio to Lion with the rate
itself, paired by seed; its standard errors do not include the error of the tuning, which is about 0.05.
"""

from search.execution import pin_threads

pin_threads()

import sys
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from benchmarks.limits import table
from benchmarks.tuned_proxies import measure
from primitives import Program, parse
from proxy_tasks import Task, builtin_task, log_ratio

TRIALS = 60  # of each form
TUNING = 45_600  # first seed of the tuning
SCHEDULES = {  # powers of the cosine in the three conditions of `vit_noisy`; with more, the rate falls earlier
    "0.35, 1, 0.6": (0.35, 1.0, 0.6),
    "0.35, 0.5, 0.25": (0.35, 0.5, 0.25),
    "0.35, 0.35, 0.35": (0.35, 0.35, 0.35),
    "0.2, 0.35, 0.1": (0.2, 0.35, 0.1),
}
RATES = {  # statements that compute `rate`, with a factor for its usual size
    "lr": ("rate = lr * {0}",),
    "√lr": ("rate = sqrt(lr)", "rate = rate * {1}"),
    "lr²": ("rate = square(lr)", "rate = rate * {2}"),
}
DIRECTIONS = {  # statements that compute the direction, decay, and factor of the rate
    "Lion": (("u = interp(g, m, 0.7)", "u = sign(u)"), 0.24, 0.8),
    "AdamW with a third beta": (
        ("u = interp(g, m, 0.7)", "g2 = square(g)", "v = interp(g2, v, 0.6)", "s = sqrt(v)", "u = u / s"),
        0.4,
        2.0,
    ),
}
REFERENCE = "Lion", "lr"


def program(direction: str, rate: str) -> Program:
    """A form with its starting constants. The decay is proportional to the learning rate in each of them."""
    lines, decay, factor = DIRECTIONS[direction]
    factors = (factor, factor / 10, factor * 100)
    body = [
        *lines,
        *(line.format(*factors) for line in RATES[rate]),
        "u = u * rate",
        f"d = w * {decay}",
        "d = d * lr",
        "update = u + d",
        "m = interp(g, m, 0.92)",
    ]
    return parse("\n    ".join(["def train(w, g, m, v, lr):", *body, "return update, m, v"]))


def scheduled(powers: tuple[float, ...]) -> Task:
    """`vit_noisy` with other schedules."""
    task = builtin_task("vit_noisy")
    conditions = zip(task.circumstances, powers, strict=True)
    return replace(task, name="scheduled", circumstances=tuple(replace(one, schedule_power=p) for one, p in conditions))


def measured(task: Task) -> Iterator[tuple[tuple[str, str], np.ndarray]]:
    """Losses of each tuned form on the fresh seeds."""
    for direction in DIRECTIONS:
        for rate in RATES:
            losses = measure(task, program(direction, rate), TRIALS, TUNING)["losses"]
            yield (direction, rate), np.array(losses, float)  # NaN where training diverged


def main() -> None:
    """Tune, compare and print a table."""
    rows = []
    for name in sys.argv[1:] or SCHEDULES:
        reference = np.ones(0)
        for form, losses in measured(scheduled(SCHEDULES[name])):
            reference = losses if form == REFERENCE else reference
            gap = log_ratio(losses, reference)
            error = float(np.std(gap, ddof=1)) / len(gap) ** 0.5
            rows.append((name, *form, f"{np.mean(gap):+.3f} ± {error:.3f}", f"{np.mean(np.log(losses)):.3f}"))
            print(*rows[-1], file=sys.stderr, flush=True)
    print("\n".join(table(["powers", "direction", "rate", "log loss ratio to Lion with lr", "mean log loss"], rows)))


if __name__ == "__main__":
    main()
