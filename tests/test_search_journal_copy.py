"""A journal is copied with its log, and its apparent size costs nothing."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from primitives import UserError
from search.record import JOURNAL, Journal, look
from search.record.journal_copy import copy_journal
from search.record.opening import check_file
from tests.recorded_runs import records, write_journal


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """A run folder whose process died and left a log, in which the journal has grown."""
    folder = tmp_path / "run"
    write_journal(folder, records(3))
    with Journal.open(folder / JOURNAL) as journal:
        journal.note("filler", "x" * 100_000)
        shutil.copytree(folder, tmp_path / "killed")
    assert (tmp_path / "killed" / f"{JOURNAL}-wal").stat().st_size > 100_000
    return tmp_path / "killed"


def grown(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(2**40)


def test_a_journal_that_is_larger_than_its_pages_is_refused(killed: Path) -> None:
    with look(killed) as journal:
        assert len(journal.meta()["filler"]) == 100_000
    path = killed / JOURNAL
    pages = len(path.read_bytes()) // 4096
    with path.open("r+b") as file:
        file.truncate(4096 * (pages + 10))  # as many as the log has
    look(killed).close()
    grown(path)
    with pytest.raises(UserError, match="has 1,099,511,627,776 bytes, and its pages only"):
        look(killed)


def test_holes_are_copied_as_holes(killed: Path, tmp_path: Path) -> None:
    path, log = killed / JOURNAL, killed / f"{JOURNAL}-wal"
    grown(log)
    with path.open("r+b") as file:
        file.seek(28)
        file.write((2**31).to_bytes(4, "big"))
    grown(path)
    (tmp_path / "copy").mkdir()
    copy = copy_journal(path, log, tmp_path / "copy")
    assert copy.stat().st_size == copy.with_name(log.name).stat().st_size == 2**40
    assert sum(file.stat().st_blocks for file in copy.parent.iterdir()) * 512 < 2_000_000
    with path.open("rb") as old, copy.open("rb") as new:
        assert old.read(200_000) == new.read(200_000)


def test_a_log_of_a_newer_size_than_the_header_and_a_log_of_nothing_are_read(killed: Path, tmp_path: Path) -> None:
    path, log = killed / JOURNAL, killed / f"{JOURNAL}-wal"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("pragma wal_checkpoint(truncate)")
    check_file(path)
    log.write_bytes(os.urandom(50))
    (tmp_path / "copy").mkdir()
    assert copy_journal(path, log, tmp_path / "copy").read_bytes() == path.read_bytes()
