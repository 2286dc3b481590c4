"""Savings and losses of the hurdles of an evaluation: `python -m benchmarks.hurdles`, which writes `docs/hurdles.md`.

There are two measurements. *Rates*: programs per minute and results of the same searches with and without hurdles.
*Stages*: a search without hurdles records every loss; the short training, the race and the sanity probe are then
replayed on its programs, which shows the training that each would have saved, and the best programs that it would have
dropped. The exit status is 1 if hurdles save less than a limit, or searches with them end worse.
"""

from search.execution import pin_threads

pin_threads()

import sys
import tempfile
import textwrap
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.limits import Limit, Section, account
from benchmarks.replays import BEST, FIRST, SEEDS, Replay, looks, races, replay, sanities
from primitives import parse
from proxy_tasks.sanity import EXPLODED
from search.record import CandidateRow
from search.running import evaluator, new_run, search_all
from search.settings import Config, build_config
from selection import FINAL_SEEDS

TARGET = Path(__file__).resolve().parent.parent / "docs" / "hurdles.md"
START = Path(__file__).resolve().parent.parent / "configs" / "adamw_start.py"
STAGED = {"digits": (11,), "vit": (11,)}  # seeds of the searches on whose programs the stages are replayed
CHILDREN_STAGED = {"digits": 900, "vit": 400}
CHILDREN, SEARCHES, FINALISTS = 800, 5, 8
FASTER = 2  # least ratio of programs per minute with hurdles to those without
WORSE = 0.05  # largest mean fitness at the end with hurdles minus that without
OFF: dict[str, Any] = {"seeds": SEEDS, "first_seeds": 0}
ON: dict[str, Any] = {"seeds": SEEDS, "first_seeds": FIRST, "short_share": 0.1, "short_margin": 0.1}
RACED: dict[str, Any] = {**ON, "race": [4], "sanity_steps": 3}


def _searched(
    task: str, children: int, evaluation: dict[str, Any], seed: int
) -> tuple[Config, list[CandidateRow], float]:
    """A search: its config, what it evaluated, and the CPU seconds that it took."""
    values = {
        "seed": seed,
        "program": str(START),
        "tasks": [task],
        "search": {"children": children},
        "evaluation": evaluation,
    }
    config = build_config(values)
    with tempfile.TemporaryDirectory() as folder, new_run(config, Path(folder) / "run") as opened:
        before = time.process_time()
        with opened.workers() as trials:
            search_all(opened, trials)
        seconds = time.process_time() - before
        return config, list(opened.journal.rows("same_as is null")), seconds


def rates() -> list[list[str]]:
    """Searches with and without hurdles: a row for each."""
    for evaluation in (OFF, RACED):
        _searched("digits", 20, evaluation, seed=1)  # compiles
    rows = []
    for name, evaluation in (("without", OFF), ("with", ON), ("and a race", RACED)):
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


def _text(text: str) -> list[str]:
    return [textwrap.fill(text, 120), ""]


def _rates_section() -> Section:
    measured = rates()
    speeds = [float(row[1].replace(",", "")) for row in measured]
    ends = [float(row[2].split()[0]) for row in measured]
    lines = [
        *_text(
            f"{SEARCHES} searches of {CHILDREN} children on `digits`, {SEEDS} seeds for an evaluation. *With hurdles*: "
            f"a hurdle after {FIRST} seeds, and before it another hurdle after a short training of "
            f"{ON['short_share']:.0%} of the steps on the same seeds (`evaluation.short_share`), with a "
            f"margin of {ON['short_margin']} "
            "(`evaluation.short_margin`). *And a "
            f"race*: also a hurdle after {RACED['race'][0]} seeds (`evaluation.race`), and first a sanity probe of "
            f"{RACED['sanity_steps']} steps (`evaluation.sanity_steps`). *Programs per minute* counts distinct "
            f"programs and CPU time; *ends with* is the fitness of the best of {FINALISTS} finalists on 24 fresh "
            "seeds, mean and standard deviation over searches; lower is better."
        ),
        *_table(["hurdles", "programs per minute", "ends with", "each search"], measured),
        f"With hurdles, a search evaluates **{speeds[1] / speeds[0]:.2f} times** as many programs per minute (the "
        f"benchmark fails below {FASTER} times); with a race, {speeds[2] / speeds[0]:.2f} times.",
        "",
    ]
    limits = [
        Limit("programs per minute with hurdles over those without", speeds[1] / speeds[0], FASTER, at_least=True),
        Limit("mean fitness at the end with hurdles over that without", ends[1] - ends[0], WORSE),
    ]
    return Section(lines, limits)


@cache
def _replayed(task: str, seed: int) -> Replay:
    return replay(task, _searched(task, CHILDREN_STAGED[task], OFF, seed)[1])


def _each(heads: str, table: Callable[[str, Replay], list[list[str]]]) -> list[str]:
    """A table for each replayed search; `lost` in `heads` is replaced by one column for each share of the best."""
    lines = []
    lost = " | ".join(f"best {share:.0%} lost" for share in BEST)
    for task, seed in ((task, seed) for task, seeds in STAGED.items() for seed in seeds):
        found = _replayed(task, seed)
        lines += [f"### `{task}`: {len(found.programs)} programs of a search without hurdles, seed {seed}", ""]
        lines += _table(heads.replace("lost", lost).split(" | "), table(task, found))
    return lines


def _looks_section() -> Section:
    lines = [
        *_text(
            "The short training (`evaluation.short_share`, `evaluation.short_margin`) precedes the first seeds. "
            f"*Trained*: share of all steps of {SEEDS} seeds. *Lost*: number of the best programs, by fitness on all "
            "seeds, that the stages would have dropped."
        ),
        *_each("stages | dropped by this hurdle | dropped in all | trained | lost", looks),
    ]
    return Section(lines, [])


def _races_section() -> Section:
    lines = [
        *_text(
            "The same programs in a race (`evaluation.first_seeds`, then `evaluation.race`), one row for each hurdle. "
            "*Dropped there*: share of all programs. *Trained*: share of all seeds, without the later hurdles. *Lost*: "
            "number of the best programs that this hurdle and those before it drop. *Margin*: of the hurdles after the "
            "first (`evaluation.race_margin`)."
        ),
        *_each("seeds | margin | hurdle after | dropped there | trained | lost", lambda _, found: races(found)),
    ]
    return Section(lines, [])


def _sanity_section() -> Section:
    lines = [
        *_text(
            f"The same programs after a few steps on the first {FIRST} seeds (`evaluation.sanity_steps`). *Saves*: "
            "share of the training with a hurdle after the first seeds, without the cost of the probe. *Wrongly*: "
            "number of dropped programs that the hurdle would have let pass. *Highest rise*: largest ratio of the "
            f"loss to that at the start, over programs of the better half; beyond {EXPLODED:g} on all seeds a program "
            "counts as exploded."
        ),
        *_each("steps | not finite | unmoved | exploded | saves | wrongly | lost | highest rise", sanities),
    ]
    return Section(lines, [])


HEAD = """# Hurdles: training saved and good programs dropped

A hurdle is a fitness that a program must reach after part of its training (a few steps, or its first seeds); a program
that does not reach it is dropped without further training. This page is written by `python -m benchmarks.hurdles`.
"""
SECTIONS = {
    "Programs per minute": _rates_section,
    "Good programs dropped by the short training": _looks_section,
    "Good programs dropped by each hurdle of a race": _races_section,
    "Good programs dropped by the sanity probe": _sanity_section,
}


def main() -> int:
    """Measure the sections whose titles start with an argument, or all, and write the page; other sections are kept.

    Returns:
        The exit status: 1 if a limit is missed.
    """
    found = TARGET.read_text(encoding="utf-8").split("\n## ")[1:] if TARGET.exists() else []
    page = dict(part.split("\n\n", 1) for part in found)
    limits: list[Limit] = []
    for title, measure in SECTIONS.items():
        if not sys.argv[1:] or title.startswith(tuple(sys.argv[1:])):
            section = measure()
            limits += section.limits
            page[title] = "\n".join(section.lines).rstrip("\n") + "\n"
            head = HEAD
            TARGET.write_text("\n".join([head, *(f"## {name}\n\n{page[name]}" for name in SECTIONS if name in page)]))
    print("\n".join(account(limits)))
    return 0 if all(limit.kept for limit in limits) else 1


if __name__ == "__main__":
    sys.exit(main())
