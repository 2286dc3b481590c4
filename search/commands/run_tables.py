"""Tables of a run: its main results, front, ancestry of the champion, and candidates."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from search.commands import tables
from search.commands.screen import code
from search.commands.tables import heading
from search.record import REPORT, CandidateRow, live_lines
from selection import change_text

_STEPS_SHOWN = 15  # largest number of ancestors shown


def run_facts(facts: dict[str, Any], folder: Path) -> RenderableType:
    """Report of a run: champion with interval and ancestry, front, derivation, best programs, and counts."""
    return Group(
        *_answers(facts["answers"]),
        *_front(facts["front"]),
        *_origin(facts["lineage"]),
        *_derivation(facts["derivation"]),
        *_best(facts["programs"], facts["tasks"]),
        *[Text(f"note: {note}") for note in facts["notes"]],
        Text(f"\n{tables.counts(facts['statistics'])}"),
        Text(f"digest {facts['digest']}"),
        *([Text(f"report {folder / REPORT}")] if (folder / REPORT).is_file() else ()),
    )


def _answers(said: dict[str, Any] | None) -> Iterator[RenderableType]:
    if said is None:
        yield Text("No program was trained on all seeds yet.")
        return
    yield Text(said["found"], style="bold")
    yield from map(Text, (*said["good"], said["origin"]))
    yield from (Text(f"note: {note}") for note in said["notes"])
    yield Text("")
    yield code(said["program"])


def _front(rows: Sequence[dict[str, Any]]) -> Iterator[RenderableType]:
    if not rows:
        return
    table = Table(title="\nfront: best program of each length, scored in the search", title_justify="left")
    for name in ("length", "fitness", "loss against AdamW", "repeat/number", "slots", "recognised"):
        table.add_column(name, justify="left" if name in ("slots", "recognised") else "right")
    for row in rows:
        place = f"{row['repeat']}/{row['number']}"
        numbers = (str(row["live_statements"]), f"{row['fitness']:.4f}", change(row["log_ratio"]), place)
        table.add_row(*numbers, tables.slots_of(row), row["recognised"] or "–")
    yield table


def change(log_ratio: float | None) -> str:
    """A log loss ratio as a change, or `–` where there is none."""
    return "–" if log_ratio is None or not math.isfinite(log_ratio) else change_text(log_ratio)


def _origin(steps: Sequence[dict[str, Any]]) -> Iterator[RenderableType]:
    """The last ancestors of the champion, each with its changed lines."""
    if not steps:
        return
    yield heading("ancestry: mutations that changed the function of the program")
    earlier = len(steps) - _STEPS_SHOWN
    if earlier > 0:
        yield Text(f"… {earlier:,} earlier steps (`--json` lists them)")
    for step in steps[max(0, earlier) :]:
        yield Text(f"#{step['number']} {step['mutation']}: fitness {step['fitness']:.4f}")
        changed = [f"{sign} {line}" for sign, line in step["changes"] if sign != " "]
        if changed:
            yield code("\n".join(changed), "diff")


def _derivation(found: dict[str, Any]) -> Iterator[RenderableType]:
    if found:
        yield heading("derivation of the simplified champion")
        yield tables.steps(found["steps"])
        yield Text(found["verdict"])


def _best(rows: Sequence[dict[str, Any]], tasks: Sequence[dict[str, Any]]) -> Iterator[RenderableType]:
    """Table of the best distinct programs; with several tasks, also the contribution of each task."""
    names = [row["task"] for row in tasks] if len(tasks) > 1 else []
    columns = ["rank", "repeat/number", "fitness", "loss against AdamW", *(f"gain on {name}" for name in names)]
    table = Table(*columns, "length", "slots", "recognised", title="\nbest distinct programs", title_justify="left")
    for rank, row in enumerate(rows, start=1):
        numbers = (str(rank), f"{row['repeat']}/{row['number']}", f"{row['fitness']:.4f}", change(row["log_ratio"]))
        gains = [f"{row['parts'][name]:+.3f}" if row["parts"] else "–" for name in names]
        table.add_row(*numbers, *gains, str(row["live_statements"]), tables.slots_of(row), row["recognised"] or "–")
    yield table
    if names:
        shares = ", ".join(f"{row['task']} {row['share']:.2f} (noise {row['noise']:.3f})" for row in tasks)
        yield Text(
            f"weight of each task: {shares}; `gain on`: contribution of a task to the gain over the starting program"
        )


def candidates(rows: Sequence[CandidateRow], matches: int, query: str) -> RenderableType:
    """Table of the candidates that meet a query, best first."""
    title = f"{matches:,} candidate{'s' if matches != 1 else ''} with {query}" + (
        f"; the best {len(rows)}" if matches > len(rows) else ""
    )
    table = Table(title=title, title_justify="left")
    for name in ("repeat/number", "fitness", "length", "status", "mutation", "live part"):
        table.add_column(name, justify="right" if name in ("fitness", "length") else "left")
    for row in rows:
        fitness = f"{row.fitness:.4f}" if math.isfinite(row.fitness) else "–"
        status = f"{row.status}, {row.matched} hit" if row.matched else row.status
        cells = (f"{row.repeat}/{row.number}", fitness, str(row.live), status, row.mutation)
        table.add_row(*map(Text, cells), code("\n".join(live_lines(row))))
    return table
