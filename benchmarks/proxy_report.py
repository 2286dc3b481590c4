"""Tables and a figure from the measurements of `benchmarks.proxies`: `python -m benchmarks.proxy_report`.

Writes the part of `docs/proxy_tasks.md` between its two marks, and `docs/proxy_tasks.svg`.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import spearmanr

from benchmarks.costs import multiply_adds
from benchmarks.panel import panel
from benchmarks.proxies import STAND_SEEDS, STANDS, measured, seeds
from proxy_tasks import SMALLEST, TASKS, problem

DOCS = Path(__file__).resolve().parent.parent / "docs"
MARKS = "<!-- measured: begin -->", "<!-- measured: end -->"
REFERENCE = "adamw 0.9 0.95 0.1 0.01"  # program of the panel with whose losses the others are paired
DIFFERENCE = math.log(1.05)  # difference in log loss that has to be detected
POWER = 1.96 + 0.84  # quantiles for a two-sided test at 5 % with a power of 80 %
RESAMPLES = 500
COLOURS = {"adamw": "tab:blue", "lion": "tab:red", "signum": "tab:orange"}

Losses = dict[
    str, dict[str, np.ndarray]
]  # for each task and program the log loss of each seed, infinite if it diverged


def log_losses(rows: Sequence[dict[str, Any]]) -> Losses:
    """The measured log losses, by task and program."""
    found: Losses = {}
    for row in rows:
        if row["kind"] == "score":
            values = [math.inf if loss is None else math.log(loss) for loss in row["losses"]]
            found.setdefault(row["task"], {})[row["program"]] = np.array(values)
    return found


def agreement(first: dict[str, np.ndarray], second: dict[str, np.ndarray], better_half: bool = False) -> float:
    """Rank correlation (Spearman) over the programs that were measured on two tasks; diverged ones share the last rank.

    Args:
        first: log losses on one task.
        second: log losses on the other.
        better_half: use only the better half of the programs on `second`.
    """
    names = [name for name in first if name in second]
    values = np.array([[first[name].mean(), second[name].mean()] for name in names]).clip(max=1e6)
    if better_half:
        values = values[values[:, 1] <= np.median(values[:, 1])]
    return float(spearmanr(values[:, 0], values[:, 1]).statistic)


def spread(first: dict[str, np.ndarray], second: dict[str, np.ndarray]) -> tuple[float, float]:
    """95 % bootstrap interval of the agreement, over programs."""
    names = np.array([name for name in first if name in second])
    generator = np.random.default_rng(0)
    values = []
    for _ in range(RESAMPLES):
        drawn = {f"{n}": name for n, name in enumerate(generator.choice(names, len(names)))}
        one, other = ({n: of[name] for n, name in drawn.items()} for of in (first, second))
        values.append(agreement(one, other))
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def repeatability(losses: dict[str, np.ndarray]) -> float:
    """Agreement of a task with itself: half of the seeds against the other half."""
    half = len(next(iter(losses.values()))) // 2
    return agreement({n: v[:half] for n, v in losses.items()}, {n: v[half:] for n, v in losses.items()})


def noise(losses: dict[str, np.ndarray]) -> float:
    """Standard deviation over seeds of the log loss ratio to the reference; median over the better half of programs."""
    sound = {name: values for name, values in losses.items() if np.all(np.isfinite(values)) and name != REFERENCE}
    best = sorted(sound, key=lambda name: float(sound[name].mean()))[: len(losses) // 2]
    return float(np.median([np.std(sound[name] - losses[REFERENCE], ddof=1) for name in best]))


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> list[str]:
    bars = ["---" if place < left else "--:" for place in range(len(heads))]
    return ["| " + " | ".join(line) + " |" for line in (heads, bars, *rows)] + [""]


def _quality(losses: Losses, seconds: dict[str, float]) -> list[str]:
    """One row for each small task: prediction of larger tasks, noise, cost."""
    heads = ["task", "×10 of its own", "95 % interval", "better half", "mean of other ×10", "×100 of its own"]
    heads += ["with itself", "noise", "seeds for 5 %", "ms per seed"]
    rows = []
    for name in SMALLEST:
        small, large, huge = (losses.get(key, {}) for key in (name, f"{name}_x10", f"{name}_x100"))
        others = [
            agreement(small, losses[f"{other}_x10"]) for other in SMALLEST if other != name and f"{other}_x10" in losses
        ]
        own = ["–"] * 3
        if large:
            low, high = spread(small, large)
            own = [
                f"**{agreement(small, large):.2f}**",
                f"{low:.2f} … {high:.2f}",
                f"{agreement(small, large, True):.2f}",
            ]
        deviation = noise(small)
        rows.append(
            [
                f"`{name}`",
                *own,
                f"{np.mean(others):.2f}" if others else "–",
                f"{agreement(small, huge):.2f}" if len(huge) > 2 else "–",
                f"{repeatability(small):.2f}",
                f"{deviation:.3f}",
                str(max(2, math.ceil((POWER * deviation / DIFFERENCE) ** 2))),
                f"{seconds[name] * 1e3:.0f}",
            ]
        )
    return _table(heads, rows)


def _crossed(losses: Losses) -> list[str]:
    """Agreement of every small task with every larger one."""
    larger = [name for name in TASKS if name not in SMALLEST and len(losses.get(name, {})) > 2]
    rows = [[f"`{name}`", *(f"{agreement(losses[name], losses[other]):.2f}" for other in larger)] for name in SMALLEST]
    return _table(["", *(f"`{name}`" for name in larger)], rows)


def _stands(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Losses of tuned optimizers relative to the tuned AdamW."""
    found = {(row["task"], row["program"]): row for row in rows if row["kind"] == "stand"}
    lines = []
    for name in SMALLEST:
        if not any(task == name for task, _ in found):
            continue
        first = next(row for (task, _), row in found.items() if task == name)
        cells = [f"`{name}`", f"{first['trials']} × {first['tuning_seeds']}"]
        for program in STANDS[:2] + STANDS[3:]:
            row = found.get((name, program))
            cells.append("–" if row is None else _percent(*row["test"]))
        constants = found.get((name, "adamw"), {"constants": []})["constants"]
        lines.append([*cells, " / ".join(f"{value:.3g}" for value in constants)])
    heads = ["task", "trials × seeds", "Lion", "Signum with decay", "AdamW with g·g replaced by g·m"]
    return _table([*heads, "betas, decay, rate of AdamW"], lines)


def _percent(value: float, low: float, high: float) -> str:
    middle, below, above = (f"{math.expm1(number) * 100:+.1f}" for number in (value, low, high))
    return f"**{middle} %** ({below} … {above})"


def _costs(losses: Losses, seconds: dict[str, float]) -> list[str]:
    """One row for each task: its size, its cost, and how much of the panel was trained on it."""
    rows = []
    for task in TASKS.values():
        used = f"{seconds[task.name]:.3g}" if task.name in seconds else "–"
        cells = [
            f"{sum(problem(task).sizes):,}",
            str(task.batch),
            f"{task.steps:,}",
            f"{multiply_adds(task) / 1e6:,.0f}",
        ]
        trained = f"{len(losses[task.name])} × {seeds(task)}" if task.name in losses else "–"
        rows.append([f"`{task.name}`", *cells, used, trained])
    heads = [
        "task",
        "weights",
        "batch",
        "steps",
        "million multiply-adds per seed",
        "seconds per seed",
        "programs × seeds",
    ]
    return _table(heads, rows)


def draw(losses: Losses, path: Path) -> None:
    """Log loss relative to the reference on each small task and on its larger version, one dot for each program."""
    pairs = [(name, f"{name}_x10") for name in SMALLEST if len(losses.get(f"{name}_x10", {})) > 2]
    figure = Figure(figsize=(10, 3.4 * math.ceil(len(pairs) / 3)), layout="constrained")
    axes = figure.subplots(math.ceil(len(pairs) / 3), 3, squeeze=False).ravel()
    for small, large in pairs:
        plot = axes[pairs.index((small, large))]
        names = [name for name in losses[small] if name in losses[large]]
        points = np.array(
            [[np.mean(losses[of][name] - losses[of][REFERENCE]) for of in (small, large)] for name in names]
        ).clip(-1.5, 1.5)
        kinds = [name.split()[0] for name in names]
        for kind in ("others", *COLOURS):
            chosen = [COLOURS.get(of, "others") == COLOURS.get(kind, "others") for of in kinds]
            plot.scatter(*points[chosen].T, s=16, alpha=0.8, color=COLOURS.get(kind, "0.55"), label=kind)
        plot.set_title(f"{small} and ×10: rank correlation {agreement(losses[small], losses[large]):.2f}", fontsize=9)
        plot.tick_params(labelsize=7)
    axes[0].legend(fontsize=7)
    figure.supxlabel(f"small task: log loss against {REFERENCE}, cut at ±1.5", fontsize=8)
    figure.supylabel("task ten times as long", fontsize=8)
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Write tables and figure."""
    rows = measured()
    losses = log_losses(rows)
    seconds = {
        name: float(np.median([row["seconds"] for row in rows if row["kind"] == "score" and row["task"] == name]))
        for name in losses
    }
    lines = [
        f"The first two tables show rank correlations (Spearman) over a panel of {len(panel())} programs:",
        "",
        "- *of its own*: with the larger task of the same family;",
        "- *better half*: over the better half of the programs on that task of ten times the cost;",
        "- *mean of other ×10*: mean correlation with the ×10 tasks of the other families;",
        "- *with itself*: half of the seeds against the other half.",
        "",
        "*Noise* is the standard deviation over seeds of the log loss ratio to AdamW, and *seeds for 5 %* the number",
        "of seeds that detect a difference of 5 %. The last table has the number of programs and seeds on each task.",
        "",
        "### How well the small tasks predict",
        "",
        *_quality(losses, seconds),
        "### Every small task against every larger one",
        "",
        *_crossed(losses),
        "![fitness on small and on larger tasks](proxy_tasks.svg)",
        "",
        f"### Where tuned optimizers stand: test loss against the tuned AdamW, {STAND_SEEDS} fresh seeds",
        "",
        *_stands(rows),
        "### What the tasks cost",
        "",
        "Seconds are medians over the panel. [The benchmarks](benchmarks.md) measure AdamW alone, on another machine.",
        "",
        *_costs(losses, seconds),
    ]
    page = DOCS / "proxy_tasks.md"
    before, rest = page.read_text(encoding="utf-8").split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    page.write_text("\n".join([before + MARKS[0], *lines, MARKS[1] + after]), encoding="utf-8")
    draw(losses, DOCS / "proxy_tasks.svg")
    print(page)


if __name__ == "__main__":
    main()
