"""Journals from others with matching hashes and hostile values: each command ends soon, in one line, or shows them."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from search.commands.main import main
from search.record import candidate_table, lineage
from search.record.folder import JOURNAL, look
from search.record.journal import Journal
from search.running.open_run import new_run
from search.settings.reading import read_config
from tests.test_search_engine import REFERENCE

FIELDS = candidate_table.CandidateRow._fields


@pytest.fixture
def folder(small_run: Path) -> Path:
    """A run folder with some candidates."""
    with new_run(read_config(small_run), small_run.parent / "run") as opened:
        opened.journal.append(0, REFERENCE[:6])
    return small_run.parent / "run"


def forge(folder: Path, number: int, **changed: Any) -> None:
    """Change columns of a row, and make the seals match."""
    path = folder / JOURNAL
    with Journal.look(path) as journal:
        seal = journal.beginning()
        rows = [list(values) for values in journal.intact(0)]
    for column, value in changed.items():
        rows[number][FIELDS.index(column)] = value
    for values in rows:
        seal = values[candidate_table.SEAL] = candidate_table.sealed(seal, values)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("delete from candidates")
        connection.executemany(f"insert into candidates values ({', '.join('?' * len(FIELDS))})", rows)


def test_long_programs_are_compared_in_little_time(folder: Path) -> None:
    before = ["a"] * 3000
    after = [line for number in range(1500) for line in ("a", f"{number}")]
    changes = lineage.differences(before, after)
    assert [change.line for change in changes if change.sign == "-"] == before
    assert [change.line for change in changes if change.sign == "+"] == after
    forge(folder, 1, program="def train():\n" + "a\n" * 100_000)
    with look(folder) as journal:
        assert len(lineage.live_lines(next(journal.rows("number = 1")))) == 1000
