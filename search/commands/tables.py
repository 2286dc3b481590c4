"""Tables and text of results for a terminal; each function takes results and returns a Rich renderable."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from primitives import Program, live, live_part, to_text
from search.commands.screen import code
from search.record import REPORT
from search.running import TARGETS, Method, Summary
from selection import FOUND, TUNED_LION, Comparison, Derivation, FunnelResult, against_adamw, change_text

_MINUTES = 90  # seconds beyond which a time is shown in minutes


def fitness(value: float, price: float = 0.0) -> str:
    """Format a fitness, with the change of the loss against AdamW.

    Args:
        value: the fitness.
        price: the part of the fitness that is the price of length and memory.

    Returns:
        The text; `–` for a fitness that is not finite.

    >>> fitness(-0.2231)
    '-0.223 (20 % below AdamW)'
    """
    if not math.isfinite(value):
        return "–"
    return f"{value:.3f} ({against_adamw(value - price)})"


def interval(bounds: Sequence[float]) -> str:
    """Format both ends of an interval of a log loss ratio as changes of the loss; `–` if one is not finite.

    >>> interval((-0.2231, 0.0))
    '-20.0 … +0.0 %'
    """
    if not all(map(math.isfinite, bounds)):
        return "–"
    return " … ".join(map(change_text, bounds)).replace(" %", "", 1)


def duration(seconds: float) -> str:
    """Format a time, in minutes if it is long.

    >>> duration(90), duration(91)
    ('90 s', '2 min')
    """
    return f"{seconds / 60:.0f} min" if seconds > _MINUTES else f"{seconds:.0f} s"


def summary(found: Summary, folder: Path) -> RenderableType:
    """Summary of a run: the champion, its simplified form, and its comparison with the tuned AdamW and Lion."""
    program = found.champion.program
    lines, slots = live(program)
    parts: list[RenderableType] = [
        heading("champion" + (", with tuned constants" if found.champion.tuned else "")),
        code(to_text(program)),
        heading(f"live part: {len(lines)} of {len(program.statements)} statements"),
        code(to_text(live_part(program))),
        Text(f"state slots in use: {', '.join(slots) or 'none'}"),
        heading(f"simplified in {len(found.derivation.steps)} steps (`optsearch inspect {folder}` lists them)"),
        code(to_text(found.derivation.program)),
        Text(found.derivation.verdict),
        *(funnel(found.funnel) if found.funnel else ()),
        comparison(found.table, f"\nmean loss over {len(found.table[0].per_seed)} seeds that the search did not use"),
        Text(counts(found.statistics)),
        Text(f"digest {found.digest}"),
        *([Text(f"report {folder / REPORT}")] if (folder / REPORT).is_file() else ()),
        Text(f"run folder {folder}" + ("" if found.complete else f"; not finished: `optsearch resume {folder}`")),
    ]
    return Group(*parts)


def funnel(found: FunnelResult) -> Iterator[RenderableType]:
    """Tables of the results of each funnel stage, and of the last stage on the test split."""
    for number, result in enumerate(found.stages, start=1):
        stage = result.stage
        tasks = ", ".join(task.name for task in stage.tasks)
        times = f"{stage.tunings} times" if stage.tunings > 1 else "once"
        title = (
            f"\nstage {number}, {tasks}: tuned {times} with {stage.trials} trials, scored on {stage.seeds} fresh seeds"
        )
        table = Table(title=title, title_justify="left")
        for name in ("program or baseline", "vs AdamW, paired", "95 % interval", "verdict"):
            table.add_column(
                name, no_wrap=True, justify="left" if name in ("program or baseline", "verdict") else "right"
            )
        for row in result.standings:
            table.add_row(row.name, change_text(row.log_ratio), interval(row.interval), row.verdict)
        yield table
    stages = f"{len(found.stages)} stage{'s' if len(found.stages) > 1 else ''}"
    if found.winner:
        yield Text(f"{found.winner.name} is better than the tuned AdamW in {stages}", style="bold")
    else:
        yield Text("no program is better than the tuned AdamW at the last completed stage", style="bold")
    yield comparison(found.table, "\nlast stage on the test split, on other seeds")


def reproduction(facts: dict[str, Any]) -> RenderableType:
    """Table of the runs of `optsearch reproduce`, one row for each seed."""
    table = Table(title=f"{facts['target']}: {facts['successes']} of {facts['seeds']} runs")
    highest = TARGETS[facts["target"]].highest
    for name in ("seed", "minutes", "children", "evaluations", "found", "level", "vs AdamW", "Lion vs AdamW"):
        table.add_column(name, justify="left" if name == "found" else "right")
    for row in facts["runs"]:
        tests = {loss["program"]: loss["log_ratio"] for loss in row["losses"] if loss["split"] == "test"}
        changes = [change_text(tests[name]) if name in tests else "–" for name in (FOUND, TUNED_LION)]
        numbers = (f"{row['seconds'] / 60:.0f}", f"{row['children']:,}", f"{row['evaluated']:,}")
        table.add_row(str(row["seed"]), *numbers, row["verdict"], f"{row['level']} of {highest}", *changes)
    return Group(table, Text("change of the test loss against the tuned AdamW, on fresh seeds"))


def comparison(rows: Sequence[Comparison], title: str) -> Table:
    """Table of losses, with the change against the tuned AdamW and its 95 % confidence interval."""
    table = Table(title=title, title_justify="left")
    table.add_column("program", overflow="ellipsis", no_wrap=True)
    for name in ("task", "split"):
        table.add_column(name, no_wrap=True)
    for name in ("mean loss", "vs AdamW, paired", "95 % interval"):
        table.add_column(name, no_wrap=True, justify="right")
    for row in rows:
        numbers = (f"{row.loss:.4f}", change_text(row.log_ratio), interval(row.interval))
        shown = numbers if math.isfinite(row.loss) else ("diverged", "–", "–")
        table.add_row(row.program, row.task, row.split, *shown)
    return table


def methods(found: Sequence[Method], folder: Path) -> RenderableType:
    """Table of search methods: counts, redundancy and fitness of each."""
    table = Table(title="search methods with equal budgets; fitness: median (lowest … highest) over repeats")
    for name in (
        "method",
        "evaluations",
        "children",
        "cache hits",
        "probe hits",
        "redundant",
        "in search",
        "fresh seeds",
    ):
        table.add_column(name, justify="left" if name == "method" else "right", no_wrap=True)
    for method in found:
        counts = method.statistics
        shares = [counts[key] / counts["children"] for key in ("cache_hits", "probe_hits")]
        shares.append(counts["redundant_share"])
        numbers = (f"{counts['evaluated']:,}", f"{counts['children']:,}", *(f"{share * 100:.1f} %" for share in shares))
        table.add_row(method.name, *numbers, _spread(method.best[:, -1].tolist()), _spread(method.fresh))
    return Group(table, Text(f"figures and numbers in {folder}"))


def _spread(values: Sequence[float]) -> str:
    middle, low, high = (
        f"{value:.3f}" if math.isfinite(value) else "diverges" for value in (median(values), min(values), max(values))
    )
    return f"{middle} ({low} … {high})"


def program_facts(facts: dict[str, Any]) -> RenderableType:
    """Analysis of a program: live part, redundant statements, name, and exact derivation."""
    evidence = f" ({facts['evidence']})" if facts["evidence"] else ""
    parts: list[RenderableType] = [
        heading(f"live part: {len(facts['live'])} statements, state slots in use: {slots_of(facts)}"),
        code(facts["live_program"]),
        Text(facts["verdict"] + evidence),
        Text(f"hash: {facts['hash']}"),
    ]
    if facts["redundant"]:
        parts += [
            heading(f"redundant: {len(facts['redundant'])} statements"),
            code("\n".join(facts["redundant"])),
        ]
    if facts["steps"]:
        parts += [heading("exact derivation"), steps(facts["steps"])]
        parts += [heading("simplified"), code(facts["simplified"])]
    return Group(*parts)


def derivation(found: Derivation) -> RenderableType:
    """Derivation of a simplified program: live part, steps, result and name."""
    lines, _ = live(found.original)
    return Group(
        heading(f"live part: {len(lines)} of {len(found.original.statements)} statements"),
        code(to_text(live_part(found.original))),
        heading("derivation"),
        steps([asdict(step) for step in found.steps]),
        heading(f"simplified: {len(live(found.program).lines)} statements"),
        code(to_text(found.program)),
        Text(found.verdict),
        *([Text(found.recognised.evidence)] if found.recognised else []),
    )


def steps(rows: Sequence[dict[str, str]]) -> RenderableType:
    """Table of the steps of a derivation, given as recorded."""
    table = Table("step", "rule", "before", "after", "exactness")
    for number, row in enumerate(rows, start=1):
        note = f"{row['exactness']}: {row['note']}" if row["note"] else row["exactness"]
        table.add_row(str(number), *map(Text, (row["rule"], row["before"], row["after"] or "–", note)))
    return table if rows else Text("no rule applies")


def rows(values: Sequence[dict[str, Any]], hidden: Sequence[str] = ()) -> Table:
    """Table of rows with equal keys; `hidden` keys are left out."""
    names = [name for name in values[0] if name not in hidden]
    table = Table(*names)
    for row in values:
        table.add_row(*("" if row[name] is None else Text(str(row[name])) for name in names))
    return table


def baselines(found: dict[str, Any]) -> RenderableType:
    """Tuned baselines as programs, with their validation losses."""
    parts: list[RenderableType] = []
    for name, row in found["programs"].items():
        parts += [heading(f"{name}: validation loss {row['validation_loss']:.4f}"), code(row["program"])]
    return Group(*parts, Text(f"standard deviation of the paired log ratio over seeds: {found['noise']:.4f}"))


def champion(program: Program) -> RenderableType:
    """The live part of the best program so far, for the live panel."""
    return Group(Text("\nlive part of the best program so far"), code(to_text(live_part(program))))


def heading(text: str) -> Text:
    """Text of a heading."""
    return Text(f"\n{text}", style="bold")


def slots_of(facts: dict[str, Any]) -> str:
    """Names of the state slots in use, or `none`."""
    return ", ".join(facts["slots"]) or "none"


def counts(statistics: dict[str, Any]) -> str:
    """Counts of a journal as one line of text."""
    statuses = ", ".join(f"{count:,} {status}" for status, count in statistics["evaluated_by_status"].items())
    return (
        f"{statistics['children']:,} candidates, {statistics['evaluated']:,} evaluated ({statuses}), "
        f"{statistics['cache_hits']:,} cache hits, {statistics['redundant_share'] * 100:.0f} % of statements redundant"
    )
