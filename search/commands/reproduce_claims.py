"""The command `optsearch reproduce claims`: measures what the paper states about Lion."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from search.claims import Answer, draw, markdown, measure_claims
from search.commands.interrupts import stop_on_signals
from search.commands.output import emit
from search.commands.screen import Screen
from search.record import write_text
from search.running import SilentReporter, read_checked_config
from search.settings import read_claim_settings

_EVERY = 15.0  # seconds between lines with the number of trials


class _Lines(SilentReporter):
    """Prints a line for each phase, and in long phases the number of trials."""

    def __init__(self) -> None:
        self._screen = Screen(stderr=True)
        self._began = self._shown = time.monotonic()
        self._phase = ""

    def note(self, message: str) -> None:
        self._line(f"note: {message}")

    def phase_started(self, name: str) -> None:
        self._phase = name
        self._line(name)

    def trials_run(self, total: int) -> None:
        if time.monotonic() - self._shown >= _EVERY:
            self._line(f"{self._phase}; {total:,} trials")

    def _line(self, text: str) -> None:
        self._shown = time.monotonic()
        self._screen.print(Text(f"[{self._shown - self._began:5.0f} s] {text}"), soft_wrap=True)


def reproduce_claims(config: Path, out: Path, overrides: Sequence[str], as_json: bool, *, trust: bool) -> None:
    """Measure the claims, draw the figures, and print the table."""
    settings = read_claim_settings(config, overrides)
    for path in settings.searches:
        read_checked_config(Path(path), trust=trust)
    with stop_on_signals() as stop:
        facts = measure_claims(settings, out, _Lines(), stop)
    files = draw(facts["results"], out)
    write_text(out / "claims.md", markdown(facts["results"]))
    emit(facts, lambda: claims_table(facts, out, len(files)), as_json)


def claims_table(facts: dict[str, Any], folder: Path, figures: int) -> RenderableType:
    """The table of claims: what the paper states, what was measured, and whether it holds here."""
    table = Table(title="claims of Chen et al. (2023), at the scale of the tasks here", show_lines=True)
    for name in ("claim", "paper", "here", "answer"):
        table.add_column(name)
    claims = [claim for result in facts["results"] for claim in result["claims"]]
    for claim in claims:
        table.add_row(*(Text(claim[key]) for key in ("claim", "paper", "ours", "answer")))
    counts = ", ".join(f"{sum(claim['answer'] == answer for claim in claims)} {answer}" for answer in Answer)
    return Group(table, Text(f"{len(claims)} claims: {counts}"), Text(f"results and {figures} figures in {folder}"))
