"""HTML of runs and programs for notebooks; all text is escaped."""

from html import escape
from typing import TYPE_CHECKING

from primitives import visible
from search.record import look
from search.report import answers, gather

if TYPE_CHECKING:
    from optsearch._found import Found
    from optsearch._run import Run


def code_html(text: str) -> str:
    """Source text as an HTML block."""
    return f"<pre style='margin:0.3em 0'>{escape(text.rstrip())}</pre>"


def found_html(found: "Found") -> str:
    """A program with its fitness, as HTML."""
    name = f" · recognised as <b>{escape(found.recognised)}</b>" if found.recognised else ""
    fresh = f" · fresh seeds {escape(str(found.fresh))}" if found.fresh else ""
    head = f"fitness {found.fitness:+.4f}{fresh} ({found.percent()}){name} · candidate {found.number}"
    return f"<div>{head}{code_html(str(found))}</div>"


def run_html(run: "Run") -> str:
    """A run as HTML: state, results, best program, and front."""
    spent = run.statistics
    with look(run.folder) as journal:
        said = answers(gather(run.folder, journal, course=False))
    sentences = "".join(f"<p>{escape(visible(line))}</p>" for line in (*said.good, said.origin)) if said else ""
    title = f"<h3>{escape(visible(said.found))}</h3>" if said else ""
    state = "complete" if run.complete else "not complete"
    head = (
        f"<b>{escape(str(run.folder))}</b>: {state}, {spent['children']:,} candidates, {spent['evaluated']:,} evaluated"
    )
    rows = "".join(
        f"<tr><td>{found.length}</td><td>{found.fitness:+.4f}</td><td>{found.percent()}</td>"
        f"<td style='text-align:left'>{code_html(str(found))}</td></tr>"
        for found in run.front
    )
    table = f"<table><tr><th>length</th><th>fitness</th><th></th><th>live part</th></tr>{rows}</table>"
    best = found_html(run.best) if run.front else "no program was scored yet"
    return (
        f"<div>{title}{sentences}{head}<h4>best</h4>{best}<h4>front: the best program of each length</h4>{table}</div>"
    )
