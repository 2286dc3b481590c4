"""Tuned optimizers on candidate proxy tasks: `python -m benchmarks.tuned_proxies [CANDIDATE…]`.

A search on a task can only find Lion if the tuned Lion is better there than every rival that is tuned with as many
trials. For each candidate task, the constants of every form below are tuned with the same number of trials on the same
seeds, and networks are then trained on fresh seeds. The gap of a rival is its mean log loss minus that of Lion, paired
by seed. The margin of a task is the smallest value over the rivals of

    (gap + price of the rival − price of Lion) / standard deviation of the gap over seeds

where the price is 0.015 for each statement and 0.02 for each state slot. A large margin means that a search with these
prices can tell Lion from its rivals.

Each tuned form is a line of `benchmarks/tuned_proxies.jsonl`, written at once, and is not repeated: if the command is
stopped, the same command continues. At the end it prints the tables; `--report` prints the tables alone.
"""

from search.execution import pin_threads

pin_threads()

import json
import math
import sys
import time
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from primitives import Program, parse, to_text
from proxy_tasks import Circumstance, Price, Task, Trainer, builtin_task, log_ratio, mean_log_loss
from selection import tune

ROWS = Path(__file__).with_name("tuned_proxies.jsonl")
TRIALS = 36  # trials to tune each form; a third of them with wide steps
SEEDS = 6  # networks trained together, two for each of three circumstances
TUNING, FRESH = 45_000, 47_000  # first seeds; no search, tuning or comparison uses these
GROUPS = 4  # groups of fresh seeds
PRICE = Price(0.015, 0.02)
REFERENCE = "lion"

_DECAY = "d = w * 0.2", "u = u + d"
_ADAPTED = "g2 = square(g)", "m = interp(g, m, 0.65)", "v = interp(g2, v, 0.8)", "s = sqrt(v)", "u = m / s"
FORMS = {  # starting constants of the tuning
    "lion": ("u = interp(g, m, 0.73)", "u = sign(u)", "m = interp(g, m, 0.87)", *_DECAY),
    "lion, no decay": ("u = interp(g, m, 0.73)", "u = sign(u)", "m = interp(g, m, 0.87)"),
    "signum": ("m = interp(g, m, 0.7)", "u = sign(m)", *_DECAY),
    "adamw": (*_ADAPTED, *_DECAY),
    "adamw, two betas": ("g2 = square(g)", "t = interp(g, m, 0.6)", "m = interp(g, m, 0.9)", "v = interp(g2, v, 0.8)",
                         "s = sqrt(v)", "u = t / s", *_DECAY),
    "adabelief": ("m = interp(g, m, 0.65)", "e = g - m", "g2 = square(e)", "v = interp(g2, v, 0.8)", "s = sqrt(v)",
                  "u = m / s", *_DECAY),
    "adamw with g m": ("m = interp(g, m, 0.65)", "g2 = g * m", "v = interp(g2, v, 0.8)", "s = sqrt(v)", "u = m / s",
                       *_DECAY),
    "adafactor-like": ("g2 = square(g)", "v = interp(g2, v, 0.8)", "s = sqrt(v)", "u = g / s", "u = clip(u, 30.0)",
                       *_DECAY),
    "sgd, nesterov": ("u = interp(g, m, 0.63)", "m = interp(g, m, 0.76)", *_DECAY),
}  # fmt: skip
_RATES = {"lion": 0.8, "lion, no decay": 0.8, "signum": 0.8, "sgd, nesterov": 20.0}  # others: 2

SCALES = (1.0, 0.05, 20.0)
SMALL = "digits_noisy"  # the only candidate that is no vision Transformer


def form(name: str) -> Program:
    """A form with its starting constants."""
    lines = (*FORMS[name], f"r = lr * {_RATES.get(name, 2.0)}", "update = u * r")
    return parse("\n    ".join(["def train(w, g, m, v, lr):", *lines, "return update, m, v"]))


def _alike(examples: int, label_noise: float, power: float) -> tuple[Circumstance, ...]:
    """Circumstances that differ in the scale of the loss alone."""
    return tuple(
        Circumstance(loss_scale=scale, examples=examples, label_noise=label_noise, schedule_power=power)
        for scale in SCALES
    )


CANDIDATES = {
    "vit_noisy": builtin_task("vit_noisy").circumstances,
    "150, noise .05, cosine": _alike(150, 0.05, 1.0),
    "150, noise .1, cosine": _alike(150, 0.1, 1.0),
    "150, noise .1, cosine to .35": _alike(150, 0.1, 0.35),
    "vit_noisy, weights twice": tuple(
        replace(one, initial_scale=2.0 if number == 2 else 1.0)
        for number, one in enumerate(builtin_task("vit_noisy").circumstances)
    ),
    "150, no noise, cosine": _alike(150, 0.0, 1.0),
    SMALL: builtin_task(SMALL).circumstances,
}


def candidate(name: str) -> Task:
    """A candidate proxy."""
    if name == SMALL:
        return builtin_task(name)
    return replace(builtin_task("vit_noisy"), name="candidate", circumstances=CANDIDATES[name])


@cache
def _trainer(of: Task, first: int) -> Trainer:
    return Trainer(of, range(first, first + SEEDS))


def measure(of: Task, program: Program, trials: int = TRIALS, tuning: int = TUNING) -> dict[str, Any]:
    """Tune a form on a candidate, on seeds from `tuning` on, and train it on fresh seeds."""
    before = time.process_time()
    best = tune(program, lambda draft: mean_log_loss(_trainer(of, tuning).losses(draft)), trials, wide=1 / 3)
    fresh = [_trainer(of, FRESH + SEEDS * group).losses(best.program) for group in range(GROUPS)]
    losses = np.concatenate(fresh).tolist()
    return {
        "constants": [round(value, 5) for *_, value in best.program.constants()],
        "trials": trials,
        "tuned": best.value if math.isfinite(best.value) else None,
        "losses": [round(loss, 6) if math.isfinite(loss) else None for loss in losses],
        "seconds": round(time.process_time() - before, 1),
    }


def measured() -> list[dict[str, Any]]:
    """The rows so far."""
    return [json.loads(line) for line in ROWS.read_text().splitlines()] if ROWS.exists() else []


def table(rows: list[dict[str, Any]]) -> str:
    """For each candidate the gap of each rival to Lion, and the margin, as Markdown."""
    parts = []
    for name in dict.fromkeys(row["candidate"] for row in rows):
        found = {row["form"]: row for row in rows if row["candidate"] == name}
        if REFERENCE not in found:
            continue
        lines, margins = [], {}
        reference = _losses(found[REFERENCE])
        for rival in found.keys() - {REFERENCE}:
            gap = log_ratio(_losses(found[rival]), reference)
            mean, spread = float(np.mean(gap)), float(np.std(gap, ddof=1))
            priced = mean + PRICE.of(form(rival)) - PRICE.of(form(REFERENCE))
            margins[rival] = priced / spread
            error = spread / math.sqrt(len(gap))
            lines.append((mean, f"| {rival} | {mean:+.3f} ± {error:.3f} | {mean / spread:+.2f} | {priced:+.3f} |"))
        head = [f"\n{name}: {len(reference)} fresh seeds, {found[REFERENCE]['trials']} trials a form, "]
        head[0] += f"{sum(row['seconds'] for row in found.values()):.0f} CPU seconds"
        head += ["", "| rival | gap ± standard error | gap / sd | gap with price |", "|---|--:|--:|--:|"]
        closest = min(margins, key=margins.__getitem__) if margins else ""
        end = [f"margin {margins[closest]:+.2f} ({closest}, of {len(margins)} rivals)"] if margins else []
        parts += [*head, *(line for _, line in sorted(lines)), "", *end]
    return "\n".join(parts)


def _losses(row: dict[str, Any]) -> list[float]:
    return [math.nan if loss is None else loss for loss in row["losses"]]


def main() -> None:
    """Tune the missing forms, and print the tables."""
    wanted = [name for name in sys.argv[1:] if not name.startswith("--")] or list(CANDIDATES)
    done = {(row["candidate"], row["form"], row["program"]) for row in measured()}
    with ROWS.open("a", encoding="utf-8") as file:
        for name in wanted if "--report" not in sys.argv else []:
            for rival in FORMS:
                program = to_text(form(rival))
                if (name, rival, program) not in done:
                    found = measure(candidate(name), form(rival))
                    row = {"candidate": name, "form": rival, "program": program, **found}
                    print(json.dumps(row), file=file, flush=True)
    print(table(measured()))


if __name__ == "__main__":
    main()
