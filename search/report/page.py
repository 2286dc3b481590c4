"""The page: one HTML file that opens without a network and runs no script but its own.

A run may come from a stranger, so every text is escaped by the template engine, characters that do not print are shown
by their escapes, and a Content-Security-Policy lets the browser load nothing and run only the script and the style
sheet of this page, known by their hashes.
"""

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from primitives import visible
from search.record import REPORT, Journal, live_lines, look, write_text
from search.report import wording
from search.report.facts import Facts, gather
from search.report.formula import formula
from search.report.own_config import same_config
from simplify import hyperparameters

_SHOWN = 12  # steps of the ancestry that are shown; earlier ones are folded


def report_run(folder: Path, path: Path | None = None) -> Path:
    """Write the report of a run.

    Args:
        folder: the run folder, which may hold a run that has not ended.
        path: the file; `report.html` in the folder by default.

    Returns:
        Path of the file.

    Raises:
        UserError: the folder holds no run, or the file cannot be written.
    """
    with look(folder) as journal:
        return write_report(folder, journal, path)


def write_report(folder: Path, journal: Journal, path: Path | None = None) -> Path:
    """As `report_run`, with the journal of the run open."""
    path = path or folder / REPORT
    write_text(path, html(gather(folder, journal)))
    return path


def html(facts: Facts) -> str:
    """The report as text."""
    from search.report.parts import Parts  # loads matplotlib, which no other command waits for
    from search.report.svg import StyleSheet, drawing_style

    sheet = StyleSheet()
    parts = Parts(facts, sheet)
    with drawing_style():
        figures = {name: list(make()) for name, make in parts.sections().items()}
    style = Markup(f"{_asset('report.css')}\n{sheet.css()}\n")
    script = Markup(_asset("report.js"))
    champion = facts.champion
    program = champion.programs.get("simplified") if champion else None
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            facts=facts,
            repeatable=same_config(facts.run, facts.meta),
            champion=champion,
            figures=figures,
            words=wording,
            formula=formula(program, hyperparameters(program)) if program else None,
            programs=[(row, live_lines(row)) for row in facts.front],
            family=list(zip(facts.ancestors, facts.siblings, strict=True)),
            shown=_SHOWN,
            config=yaml.safe_dump(dict(facts.config), sort_keys=False, allow_unicode=True),
            versions=_versions(facts),
            script=script,
            style=style,
            policy=_policy(style, script),
            written_by=version("optsearch"),
        )
    )


def _versions(facts: Facts) -> Mapping[str, Any]:
    return dict(facts.meta["versions"])


def _policy(style: str, script: str) -> str:
    """Content security policy of the page: this style sheet and this script only."""
    rules = {"default-src": "'none'", "style-src": _source(style), "script-src": _source(script)}
    rules |= {"base-uri": "'none'", "form-action": "'none'"}
    return "; ".join(f"{key} {value}" for key, value in rules.items())


def _source(text: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("search.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )


def _shown(value: Any) -> Any:  # noqa: ANN401 - any value of the template
    """A value as it enters the page: text without characters that do not print."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return visible(value)


def _asset(name: str) -> str:
    loader = _environment().loader
    assert loader is not None
    return loader.get_source(_environment(), name)[0]
