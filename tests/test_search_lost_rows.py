"""Rows that are lost at the end of a search that has ended are noticed, and a repair scores them again."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from primitives import UserError
from search.commands.main import main
from search.record import JOURNAL, SEARCH_ENDED, Journal, look, repair
from search.record.journal_file import _hash
from tests.recorded_runs import records, write_journal
from tests.test_search_commands import run_json

LOSSES = {
    "the last row": ("delete from candidates where repeat = 0 and number = 11", 0),
    "a repeat": ("delete from candidates where repeat = 1", 1),
    "all rows": ("delete from candidates", 0),
    "a seal": ("update candidates set seal = x'00' where repeat = 1 and number = 8", 1),
}


@pytest.fixture
def ended(tmp_path: Path) -> Path:
    """A run folder of a search with two repeats that has ended."""
    folder = tmp_path / "run"
    write_journal(folder, records(0))
    with look(folder) as journal:
        meta = journal.first_meta() | {"searches": 2}
    (folder / JOURNAL).unlink()
    with Journal.create(folder / JOURNAL, meta) as journal:
        journal.append(0, records(12))
        journal.append(1, records(9))
        journal.note_end()
    return folder


def execute(folder: Path, statement: str, *values: Any) -> None:
    with closing(sqlite3.connect(folder / JOURNAL)) as connection, connection:
        connection.execute(statement, values)


@pytest.mark.parametrize(("statement", "repeat"), LOSSES.values(), ids=LOSSES.keys())
def test_rows_lost_at_the_end_are_noticed(
    statement: str, repeat: int, ended: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    look(ended).close()
    execute(ended, statement)
    for command in ("inspect", "resume", "select"):
        assert main([command, str(ended)]) == 2
        assert f"is damaged: the last rows of repeat {repeat} were lost or altered" in capsys.readouterr().err


def test_a_repair_continues_a_search_whose_last_rows_were_lost(ended: Path) -> None:
    execute(ended, LOSSES["the last row"][0])
    assert repair(ended / JOURNAL) == 20
    with look(ended) as journal:
        assert journal.counts() == [(0, 11), (1, 9)]
        assert journal.meta()[SEARCH_ENDED] is False


def test_a_repair_without_a_loss_leaves_the_search_complete(ended: Path) -> None:
    assert repair(ended / JOURNAL) == 21
    with look(ended) as journal:
        assert journal.meta()[SEARCH_ENDED]


@pytest.mark.parametrize("note", [True, False])
def test_a_journal_that_does_not_tell_its_end_is_read(note: bool, ended: Path) -> None:
    with Journal.open(ended / JOURNAL) as journal:
        journal.note(SEARCH_ENDED, note)
    execute(ended, LOSSES["a repeat"][0])
    with look(ended) as journal:
        assert journal.counts() == [(0, 12)]


def test_rows_behind_the_noted_end_are_no_damage(ended: Path) -> None:
    """A reader may read the note before another process extends the search."""
    with Journal.open(ended / JOURNAL) as journal:
        journal.append(1, list(records(12))[9:])
    look(ended).close()


@pytest.mark.parametrize("end", [3, [], [1], [2**80, ""], [9, "zz"], ["9", 9], {"a": 1}, None])
def test_a_note_of_other_types_is_damage(end: Any, ended: Path) -> None:
    text = json.dumps({"1": end, "x\x1b": end})
    execute(
        ended, "update notes set value = ?, seal = ? where key = ?", text, _hash([SEARCH_ENDED, text]), SEARCH_ENDED
    )
    with pytest.raises(UserError, match="the last rows of repeat 1 were lost"):
        look(ended)


def test_a_run_notes_the_end_of_its_search(small_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--set", "search.children=3", "--out", "run"]
    digest = run_json(capsys, "run", str(small_run), *options)["digest"]
    with look(Path("run")) as journal:
        (seal,) = (row.seal for row in journal.rows("number = 3"))
        assert journal.meta()[SEARCH_ENDED] == {"0": [4, seal.hex()]}
    execute(Path("run"), "delete from candidates where number = 3")
    assert main(["resume", "run"]) == 2
    capsys.readouterr()
    assert run_json(capsys, "resume", "run", "--repair")["digest"] == digest
    assert run_json(capsys, "resume", "run", "--set", "search.children=5")["children"] == 6
    look(Path("run")).close()
