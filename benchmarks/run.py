"""Run every benchmark and write `docs/benchmarks.md`: `python -m benchmarks.run`."""

from search.execution.process import pin_threads

pin_threads()

import os  # noqa: E402 - after the threads are pinned
import platform  # noqa: E402
from pathlib import Path  # noqa: E402

from benchmarks import searching  # noqa: E402
from benchmarks.breeding import breeding_rate  # noqa: E402
from benchmarks.costs import SEEDS as SEEDS_TOGETHER  # noqa: E402
from benchmarks.costs import multiply_adds, seconds_a_seed  # noqa: E402
from benchmarks.memory import worker_memory  # noqa: E402
from benchmarks.scoring import ROUNDS, SEEDS, compiling_ratio, scoring_ratio  # noqa: E402
from proxy_tasks import catalog  # noqa: E402
from proxy_tasks.catalog import SMALLEST  # noqa: E402
from proxy_tasks.families import problem  # noqa: E402
from search.running.setup import versions  # noqa: E402

TARGET = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
_GRADIENT_DOMINATES, _SMALL = 1.15, 1.5
LIMITS = {
    "digits": _SMALL,
    "denoising": _SMALL,
    "views": _SMALL,
    "vit": _GRADIENT_DOMINATES,
    "characters": _GRADIENT_DOMINATES,
    "masked": _GRADIENT_DOMINATES,
}
LONGEST = 0.3  # seconds a seed on one core, of any task that programs are searched on


def main() -> None:
    """Measure, print and write."""
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`. Ratios are measured side by side in one process on one thread;",
    ]
    lines += ["single ratios are good to about ± 0.1 on a shared machine.", ""]
    lines += [
        f"Machine: {platform.machine()}, {os.cpu_count()} cores; "
        + ", ".join(f"{k} {v}" for k, v in versions().items())
    ]

    lines += ["", "## Scoring: an evaluation over the same loop written by hand with optax", ""]
    lines += [f"Process CPU time, {SEEDS} seeds, compile time left out, median of {ROUNDS} rounds.", ""]
    lines += ["| task | program | evaluation | by hand | ratio | at most | mean loss, both ways |"]
    lines += ["|---|---|--:|--:|--:|--:|--:|"]
    for task in map(catalog.task, SMALLEST):
        for name in ("adamw", "lion"):
            row = scoring_ratio(task, name)
            both = " / ".join(f"{loss:.4f}" for loss in row["losses"])
            cells = [f"{row['evaluation'] * 1e3:.0f} ms", f"{row['by hand'] * 1e3:.0f} ms", f"**{row['ratio']:.2f}**"]
            lines.append("| " + " | ".join([task.name, name, *cells, f"{LIMITS[task.name]}", both]) + " |")
    lines += ["", "The optax AdamW corrects its bias and the language's cannot, hence the difference in loss."]

    lines += ["", "## What a task costs", ""]
    lines += [f"Process CPU time of a training with AdamW, {SEEDS_TOGETHER} seeds together, compile time left out.", ""]
    lines += ["| task | weights | batch | steps | million multiply-adds a seed | seconds a seed | at most |"]
    lines += ["|---|--:|--:|--:|--:|--:|--:|"]
    for task in map(catalog.task, SMALLEST):
        counts = f"{sum(problem(task).sizes):,} | {task.batch} | {task.steps} | {multiply_adds(task) / 1e6:,.0f}"
        lines.append(f"| {task.name} | {counts} | **{seconds_a_seed(task):.3f}** | {LONGEST} |")

    row = compiling_ratio(catalog.task("digits"))
    lines += ["", "## Interpreting over compiling each candidate", ""]
    lines += ["| task | interpreted | compiled and run | ratio | at least |", "|---|--:|--:|--:|--:|"]
    cells = [f"{row['interpreted'] * 1e3:.0f} ms", f"{row['compiled'] * 1e3:.0f} ms", f"**{row['ratio']:.0f}**", "15"]
    lines.append("| " + " | ".join([row["task"], *cells]) + " |")

    row = breeding_rate()
    lines += ["", "## Breeding: mutate, check, find the live part, hash", ""]
    lines += ["| children a second on one core | at least | statements a child | invalid drafts a child |"]
    lines += ["|--:|--:|--:|--:|"]
    lines.append(
        f"| **{row['children a second']:,.0f}** | 5,000 | {row['statements a child']:.1f} "
        f"| {row['invalid drafts a child']:.2f} |"
    )

    row = worker_memory()
    classes = ", ".join(map(str, row["size classes"]))
    lines += ["", f"## Memory: {row['programs']:,} different programs through one worker", ""]
    lines += [f"Size classes met: {classes}; compilations: **{row['compilations']}**.", ""]
    lines += ["| programs | resident memory |", "|--:|--:|"]
    lines += [f"| {count:,} | {size:.0f} MiB |" for count, size in row["resident"]]
    lines += searching.lines()
    TARGET.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(TARGET.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
