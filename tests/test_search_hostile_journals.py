"""Journals from others with matching hashes and hostile values: each command ends soon, in one line, or shows them."""

import json
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from primitives import UserError
from search.commands.main import main
from search.record import candidate_table, journal_file, lineage
from search.record.folder import JOURNAL, look
from search.running.open_run import new_run
from search.running.watching import snapshot
from search.settings.reading import read_config
from tests.test_search_engine import REFERENCE

FIELDS = candidate_table.CandidateRow._fields


@pytest.fixture
def folder(small_run: Path) -> Path:
    """A run folder with some candidates."""
    with new_run(read_config(small_run), small_run.parent / "run") as opened:
        opened.journal.append(0, REFERENCE[:6])
    return small_run.parent / "run"


def forge(folder: Path, number: int, meta: dict[str, str] | None = None, **changed: Any) -> None:
    """Change texts of the metadata and columns of a row, and make all hashes match."""
    with closing(sqlite3.connect(folder / JOURNAL)) as connection, connection:
        for key, text in (meta or {}).items():
            connection.execute("update meta set value = ? where key = ?", (text, key))
        facts = sorted(connection.execute("select key, value from meta where key != 'seal'"))
        seal = journal_file._hash(facts)
        connection.execute("update meta set value = ? where key = 'seal'", (json.dumps(seal.hex()),))
        rows = [list(row) for row in connection.execute("select * from candidates order by repeat, number")]
        for column, value in changed.items():
            rows[number][FIELDS.index(column)] = value
        for values in rows:
            seal = values[candidate_table.SEAL] = candidate_table.sealed(seal, values)
        connection.execute("delete from candidates")
        connection.executemany(f"insert into candidates values ({', '.join('?' * len(FIELDS))})", rows)


def refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The one line with which `inspect` and `report` refuse it."""
    said = ""
    for arguments in (["inspect", str(folder)], ["report", str(folder)]):
        assert main(arguments) == 2, arguments
        shown = capsys.readouterr()
        assert len(shown.err.splitlines()) == 1, shown.err
        assert len(shown.err) < 1000
        said += shown.err
    return said


DEEP = "[" * 100_000
COLUMNS: dict[str, dict[str, Any]] = {
    "text as a fitness": {"fitness": "low"},
    "large fitness": {"fitness": 1000.0},
    "text as a number of restarts": {"restarts": "many"},
    "blob as a program": {"program": b"def"},
    "text as a chain": {"chain": "ab"},
    "short probe": {"probe": b"123"},
    "unknown status": {"status": "good"},
    "no JSON": {"losses": "{"},
    "list": {"losses": "[1]"},
    "deep": {"losses": DEEP},
    "null": {"losses": "null"},
    "number": {"losses": '{"digits": 5}'},
    "long number": {"losses": '{"digits": [' + "1" * 5000 + "]}"},
}


@pytest.mark.parametrize("case", COLUMNS)
def test_a_column_of_another_type_is_damage_even_if_its_hashes_match(
    case: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    forge(folder, 0, **COLUMNS[case])
    said = refused(folder, capsys)
    assert "altered at candidate 0 of repeat 0" in said
    assert main(["resume", str(folder)]) == 2
    assert "is damaged" in capsys.readouterr().err


def test_a_repeat_that_is_a_text_is_damage(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    forge(folder, 5, repeat="A" * 5000)
    assert "is damaged" in refused(folder, capsys)


@pytest.mark.parametrize("losses", ['{"digits": [0.0, 0.0]}', '{"digits": [null]}', '{"digits": []}', "{}"])
def test_losses_that_have_no_logarithm_are_shown(losses: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    forge(folder, 0, losses=losses)
    assert main(["inspect", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["programs"][0]["parts"] == {}


METADATA = {
    "empty config": ({"config": "{}"}, "its config has no prices"),
    "plugins": ({"config": '{"search": {"plugins": 5}}'}, "`search.plugins` (=5)"),
    "text as repeats": ({"config": '{"search": {"repeats": "A", "children": 2000000000}}'}, "`search.children`"),
    "number as a task": ({"yardstick": '{"digits": 5}'}, "its `yardstick` is not that of a run"),
    "text as noise": ({"yardstick": '{"digits": {"noise": "A"}}'}, "its `yardstick` is not that of a run"),
    "deep": ({"versions": DEEP}, "its metadata are not JSON"),
    "no JSON": ({"versions": "{"}, "its metadata are not JSON"),
    "long number": ({"searches": "1" * 5000}, "its metadata are not JSON"),
}


@pytest.mark.parametrize("case", METADATA)
def test_metadata_of_another_form_are_refused(case: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changed, message = METADATA[case]
    forge(folder, 0, changed)
    assert message in refused(folder, capsys)
    with pytest.raises(UserError):
        snapshot(folder)


def test_a_schema_that_is_a_blob_is_damage(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(sqlite3.connect(folder / JOURNAL)) as connection, connection:
        connection.execute("pragma writable_schema = on")
        connection.execute("update sqlite_master set sql = cast(sql as blob) where name = 'candidates'")
    assert str(folder / JOURNAL) in refused(folder, capsys)


def test_a_change_in_the_future_does_not_make_a_run_look_alive(folder: Path) -> None:
    for age, running in ((0, True), (-30, True), (-90, False), (-(10**9), False), (90, False)):
        os.utime(folder / JOURNAL, (time.time() - age, time.time() - age))
        assert snapshot(folder).running == running


def test_long_programs_are_compared_in_little_time(folder: Path) -> None:
    before = ["a"] * 3000
    after = [line for number in range(1500) for line in ("a", f"{number}")]
    changes = lineage.differences(before, after)
    assert [change.line for change in changes if change.sign == "-"] == before
    assert [change.line for change in changes if change.sign == "+"] == after
    forge(folder, 1, program="def train():\n" + "a\n" * 100_000)
    with look(folder) as journal:
        assert len(lineage.live_lines(next(journal.rows("number = 1")))) == 1000
