"""What cheap stages save and what they cost: `python -m benchmarks.hurdles`, which writes `docs/hurdles.md`.

Two measurements. *Stages*: a search without hurdles keeps every loss; afterwards each program is taken through the
stages, so that one sees what each of them would have saved and which of the best programs it would have dropped.
*Rates*: the same searches with and without hurdles, programs a minute and what they end with.
"""

from search.runtime import pin_threads

pin_threads()

import math  # noqa: E402 - after the threads are pinned
import sys  # noqa: E402
import tempfile  # noqa: E402
import textwrap  # noqa: E402
import time  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import numpy as np  # noqa: E402

from primitives.text import parse  # noqa: E402
from proxy_tasks import catalog  # noqa: E402
from proxy_tasks.baselines import baseline  # noqa: E402
from proxy_tasks.training import Trainer  # noqa: E402
from search.config import Config, build_config  # noqa: E402
from search.evaluation import evaluator  # noqa: E402
from search.hurdle import Hurdle  # noqa: E402
from search.progress import Progress  # noqa: E402
from search.rows import Row  # noqa: E402
from search.runner import begun, bench_of, search_all  # noqa: E402
from selection.comparison import FINAL_SEEDS  # noqa: E402

TARGET = Path(__file__).resolve().parent.parent / "docs" / "hurdles.md"
START = Path(__file__).resolve().parent.parent / "configs" / "adamw_start.py"
STAGED = {"digits": 1500, "vit": 400}  # children of the searches whose programs are taken through the stages
SHARES = (0.1, 0.25, 0.5)  # of the steps, for a first look
MARGINS = (0.1, 0.3, 0.6)
BEST = 0.01
FIRST, SEEDS = 2, 8
CHILDREN, SEARCHES, FINALISTS = 800, 5, 8
OFF = {"seeds": SEEDS, "first_seeds": 0}
ON = {"seeds": SEEDS, "first_seeds": FIRST, "short_share": 0.1, "short_margin": 0.1}


def _searched(task: str, children: int, evaluation: dict[str, Any], seed: int) -> tuple[Config, list[Row], float]:
    """A search: its config, what it evaluated, and the CPU seconds that it took."""
    values = {
        "seed": seed,
        "program": str(START),
        "tasks": [task],
        "search": {"children": children},
        "evaluation": evaluation,
    }
    config = build_config(values)
    with (
        tempfile.TemporaryDirectory() as folder,
        Progress(quiet=True) as progress,
        begun(config, Path(folder) / "run") as journal,
    ):
        before = time.process_time()
        with bench_of(config, journal, progress) as bench:
            search_all(config, journal, bench, progress)
        seconds = time.process_time() - before
        return config, list(journal.rows("same_as is null")), seconds


def stages(task_name: str, children: int) -> tuple[int, list[list[str]]]:
    """For each cheap stage what it saves and what it drops: number of programs, and rows of a table."""
    _, rows, _ = _searched(task_name, children, OFF, seed=11)
    task = catalog.task(task_name)
    reference = Trainer(task, range(SEEDS)).losses(baseline(task))
    ratios = np.array([_ratios(row, task_name, reference) for row in rows])
    full, first = ratios.mean(axis=1), ratios[:, :FIRST].mean(axis=1)
    hurdles = _hurdles(full, first)
    best = full <= np.quantile(full[np.isfinite(full)], BEST)
    programs = [parse(row.program) for row in rows]
    beyond = ~(first <= hurdles)
    table = [_row("first seeds alone, then the others", np.zeros(len(rows), bool), beyond, best, 0.0)]
    for share in SHARES:
        trainer = Trainer(task, range(FIRST), horizon=round(share * task.steps))
        start = np.log(trainer.losses(baseline(task)))
        with np.errstate(divide="ignore", invalid="ignore"):
            early = np.array([np.log(trainer.losses(program)) - start for program in programs]).mean(axis=1)
        for margin in MARGINS:
            dropped = ~(early <= hurdles + margin)
            table.append(
                _row(f"and before that {share:.0%} of the steps, margin {margin}", dropped, beyond, best, share)
            )
    return len(rows), table


def _ratios(row: Row, task: str, reference: np.ndarray) -> np.ndarray:
    """Log loss ratios to AdamW, infinite where the program diverged."""
    losses = np.array([math.inf if loss is None else loss for loss in row.losses[task]])
    return np.log(losses / reference) if len(losses) == len(reference) else np.full(len(reference), math.inf)


def _hurdles(full: np.ndarray, first: np.ndarray) -> np.ndarray:
    """The hurdle that each program would have met, with the settings that a config has by default."""
    config = Config()
    rolling = Hurdle(config.search.population, config.evaluation.hurdle_quantile, config.evaluation.hurdle_margin)
    heights = []
    rolling.add(float(first[0]))
    for mine, start in zip(full, first, strict=True):
        heights.append(rolling.height)
        if np.isfinite(mine) and start <= rolling.height:
            rolling.add(float(start))
    return np.array(heights)


def _row(name: str, early: np.ndarray, beyond: np.ndarray, best: np.ndarray, share: float) -> list[str]:
    """What is trained in place of all steps of all seeds, in per cent, and what of the best is lost."""
    later = ~early
    cost = share * FIRST + (later * FIRST + (later & ~beyond) * (SEEDS - FIRST))
    lost = int(np.sum(best & (early | beyond)))
    return [
        name,
        f"{early.mean():.0%}",
        f"{(early | beyond).mean():.0%}",
        f"{cost.mean() / SEEDS:.0%}",
        f"{lost} of {best.sum()}",
    ]


def rates() -> list[list[str]]:
    """Searches with and without hurdles: a row for each."""
    for evaluation in (OFF, ON):
        _searched("digits", 20, evaluation, seed=1)  # compiles
    rows = []
    for name, evaluation in (("without", OFF), ("with", ON)):
        speeds, ends = [], []
        for seed in range(SEARCHES):
            config, found, seconds = _searched("digits", CHILDREN, evaluation, seed)
            speeds.append(60 * len(found) / seconds)
            judge = evaluator(config, range(FINAL_SEEDS, FINAL_SEEDS + 24))
            sound = sorted((row for row in found if row.status == "ok"), key=lambda row: row.fitness)[:FINALISTS]
            ends.append(min(judge.evaluate(parse(row.program)).fitness for row in sound))
        shown = ", ".join(f"{end:+.3f}" for end in ends)
        rows.append([name, f"{np.mean(speeds):,.0f}", f"{np.mean(ends):+.3f} ± {np.std(ends, ddof=1):.3f}", shown])
    return rows


def _table(heads: list[str], rows: list[list[str]]) -> list[str]:
    bars = ["---", *["--:"] * (len(heads) - 1)]
    return ["| " + " | ".join(line) + " |" for line in (heads, bars, *rows)] + [""]


def _rates_section() -> list[str]:
    measured = rates()
    speeds = [float(row[1].replace(",", "")) for row in measured]
    return [
        textwrap.fill(
            f"{SEARCHES} searches of {CHILDREN} children on `digits` each, {SEEDS} seeds a score. With hurdles: "
            f"{FIRST} seeds first, and before that a look at them after {ON['short_share']:.0%} of the steps "
            f"(`evaluation.short_share`) with a margin of {ON['short_margin']} (`evaluation.short_margin`). Distinct "
            f"programs a minute of CPU time; fitness of the best of {FINALISTS} on 24 fresh seeds, lower is better.",
            120,
        ),
        "",
        *_table(["hurdles", "programs a minute", "ends with", "each search"], measured),
        f"**{speeds[1] / speeds[0]:.2f} times** as many; at least 2 is wanted.",
        "",
    ]


def _stages_section() -> list[str]:
    lines = [
        f"*Trained* is steps times seeds, of all steps of {SEEDS} seeds. *Best lost*: of the best {BEST:.0%} by the",
        "score on all seeds, how many the stages would have dropped.",
        "",
    ]
    for task, children in STAGED.items():
        count, table = stages(task, children)
        lines += [f"### `{task}`: {count} programs of a search without hurdles", ""]
        lines += _table(["stages", "dropped at the look", "dropped in all", "trained", "best lost"], table)
    return lines


SECTIONS = {"Programs a minute": _rates_section, "What each stage drops": _stages_section}


def main() -> None:
    """Measure the sections whose titles begin like the arguments, or all, and write; the others stay as they are."""
    found = TARGET.read_text(encoding="utf-8").split("\n## ")[1:] if TARGET.exists() else []
    page = dict(part.split("\n\n", 1) for part in found)
    for title, measure in SECTIONS.items():
        if not sys.argv[1:] or title.startswith(tuple(sys.argv[1:])):
            page[title] = "\n".join(measure()).rstrip("\n") + "\n"
            head = "# What hurdles save\n\nWritten by `python -m benchmarks.hurdles`.\n"
            TARGET.write_text("\n".join([head, *(f"## {name}\n\n{page[name]}" for name in SECTIONS if name in page)]))


if __name__ == "__main__":
    main()
