"""Runs and programs as text, and as HTML for notebooks, in which all text is escaped.

A program that calls a function of a plugin that is not imported is shown as text, without what needs its analysis.
"""

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from optsearch._results import champion_of
from primitives import ProgramError, live_part, parse, to_text, visible
from search.record import SEARCH_ENDED, CandidateRow, Journal, front, look, read_conclusion
from search.report import Facts, answers, gather
from selection import against_adamw

if TYPE_CHECKING:
    from optsearch._found import Found


class _Shown(NamedTuple):
    """A row of the journal as a display has it."""

    length: int
    fitness: float
    percent: str
    text: str


def code_html(text: str) -> str:
    """Source text as an HTML block."""
    return f"<pre style='margin:0.3em 0'>{escape(visible(text.rstrip()))}</pre>"


def found_html(found: "Found") -> str:
    """A program with its fitness, as HTML."""
    name = f" · recognised as <b>{escape(found.recognised)}</b>" if found.recognised else ""
    fresh = f" · fresh seeds {escape(str(found.fresh))}" if found.fresh else ""
    head = f"fitness {found.fitness:+.4f}{fresh} ({found.percent()}){name} · candidate {found.number}"
    return f"<div>{head}{code_html(str(found))}</div>"


def run_text(folder: Path) -> str:
    """A run as text: state, and front."""
    with look(folder) as journal:
        head, rows = _head(journal), _front(journal)
    lines = [f"  {row.length:10d}  {row.fitness:+8.4f}  {row.percent}" for row in rows]
    return "\n".join([f"Run {folder}: {head}", "      length   fitness", *lines])


def run_html(folder: Path) -> str:
    """A run as HTML: state, results, best program, and front."""
    with look(folder) as journal:
        facts = gather(folder, journal, course=False)
        said, state, rows, best = answers(facts), _head(journal), _front(journal), _best_html(facts, journal)
    lines = (*said.good, said.origin, *said.notes) if said else ()
    sentences = "".join(f"<p>{escape(visible(line))}</p>" for line in lines)
    title = f"<h3>{escape(visible(said.found))}</h3>" if said else ""
    front_rows = "".join(
        f"<tr><td>{row.length}</td><td>{row.fitness:+.4f}</td><td>{row.percent}</td>"
        f"<td style='text-align:left'>{code_html(row.text)}</td></tr>"
        for row in rows
    )
    table = f"<table><tr><th>length</th><th>fitness</th><th></th><th>live part</th></tr>{front_rows}</table>"
    return (
        f"<div>{title}{sentences}<b>{escape(visible(str(folder)))}</b>: {state}"
        f"<h4>best</h4>{best}"
        f"<h4>front: the best program of each length</h4>{table}</div>"
    )


def _best_html(facts: Facts, journal: Journal) -> str:
    """The champion; before the end of the run, the candidate of lowest fitness."""
    if facts.champion and facts.champion.chosen:
        try:
            found = champion_of(read_conclusion(facts.run, journal), journal)
        except ProgramError:
            return code_html(facts.champion.found)
        if found:
            return found_html(found)
    for row in journal.best(1):
        shown = _shown(row, journal)
        head = f"fitness {shown.fitness:+.4f} ({shown.percent}) · candidate {row.number}"
        return f"<div>{head}{code_html(shown.text)}</div>"
    return "no program was scored yet"


def _head(journal: Journal) -> str:
    spent = journal.statistics()
    state = "complete" if journal.meta().get(SEARCH_ENDED) else "not complete"
    return f"{state}, {spent['children']:,} candidates, {spent['evaluated']:,} evaluated"


def _front(journal: Journal) -> list[_Shown]:
    return [_shown(row, journal) for row in front(journal)]


def _shown(row: CandidateRow, journal: Journal) -> _Shown:
    try:
        program = parse(row.program)
    except ProgramError:
        return _Shown(row.live, row.fitness, "–", row.program)
    percent = against_adamw(row.fitness - journal.price.of(program))
    return _Shown(row.live, row.fitness, percent, to_text(live_part(program)))
