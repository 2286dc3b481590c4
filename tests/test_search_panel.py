"""The panel and the plain lines say what the journal says."""

from io import StringIO
from itertools import pairwise
from pathlib import Path

import pytest
from rich.console import Console

from search.commands.panel import LivePanel
from search.commands.tables import fitness
from search.running.reporter import Counts
from search.settings.config import Config
from tests.test_search_engine import REFERENCE
from tests.test_search_journal import journal_of


def test_counts_of_records_are_those_of_their_journal(tmp_path: Path) -> None:
    counts = Counts()
    for record in REFERENCE:
        counts.add(record)
    with journal_of(tmp_path / "j") as journal:
        assert Counts.of(journal) == counts
        known = journal.statistics()
    assert counts.children == known["children"]
    assert counts.evaluated == known["evaluated"]


def test_the_panel_shows_counts_rates_best_and_time_left(tmp_path: Path) -> None:
    progress = LivePanel(quiet=True)
    with journal_of(tmp_path / "j", 30) as journal:
        progress.run_started(Config(), journal)
    progress.round_started(0)
    progress.lion_scored(-0.1)
    progress.candidates_recorded(REFERENCE[30:])
    console = Console(width=100, record=True, file=StringIO())
    console.print(progress._panel())
    shown = console.export_text()
    assert "61 of 2,001" in shown
    for words in ("children/s", "evaluations/s", "cache hits", "redundant", "rejected early", "diverged", "time left"):
        assert words in shown
    assert "-0.100 (10 % below AdamW)" in shown
    assert "def train(w, g, m, v, lr):" in shown


def test_where_there_is_no_terminal_a_line_says_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with journal_of(tmp_path / "j") as journal, LivePanel() as progress:
        progress.run_started(Config(), journal)
        progress.phase_started("choosing")
        progress.note("something")
        progress.warning("a problem")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "(61 candidates are in the journal)" in captured.err
    assert "61/2,001 children" in captured.err
    assert "note: something" in captured.err
    assert "note: a problem" in captured.err


def test_plain_lines_of_trials_have_the_best_so_far_and_become_rarer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr("search.commands.panel.time.monotonic", lambda: clock[0])
    with journal_of(tmp_path / "j") as journal, LivePanel() as progress:
        progress.run_started(Config(), journal)
        progress.round_started(0)
        for _ in range(3600):
            clock[0] += 1
            progress.trials_run(int(clock[0]))
        progress.phase_started("choosing")
        clock[0] += 100
        progress.trials_run(5000)
    lines = capsys.readouterr().err.splitlines()
    best = fitness(progress._counts.best_fitness)
    assert lines[1].startswith("[    5 s] 61/2,001 children")
    assert f"; best {best}; " in lines[1]
    assert lines[1].endswith("left; 5 trials")
    times = [int(line[1:6]) for line in lines if line.endswith(" trials")]
    gaps = [after - before for before, after in pairwise(times)]
    assert gaps[:5] == [5] * 5
    assert gaps[-2] > 60
    assert len(lines) < 200
    assert lines[-1] == "[ 3700 s] choosing; 5,000 trials"


def test_fitness_is_said_in_per_cent() -> None:
    assert fitness(0.1) == "0.100 (11 % above AdamW)"
    assert fitness(float("inf")) == "–"
