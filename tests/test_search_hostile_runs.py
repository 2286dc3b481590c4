"""Run folders that are broken or hostile: nothing outside is written, nothing altered is shown, nothing is mistaken."""

import json
import os
import random
import re
import shutil
import sqlite3
import struct
from contextlib import closing
from pathlib import Path

import pytest

from primitives import UserError
from search.commands.main import main
from search.record.atomic_files import write_text
from search.record.faults import explain
from search.record.folder import JOURNAL, SUMMARY, locked, look
from search.record.journal import Journal
from search.record.repairs import repair
from search.record.verified import is_verified
from search.running.open_run import new_run
from search.settings.reading import read_config
from tests.test_search_engine import REFERENCE

BITS = 1500


@pytest.fixture
def folder(small_run: Path) -> Path:
    """A run folder with some candidates."""
    with new_run(read_config(small_run), small_run.parent / "run") as opened:
        opened.journal.append(0, REFERENCE[:40])
    return small_run.parent / "run"


def everything(path: Path) -> tuple[object, ...]:
    """All that a person could be told of a journal, in as many ways as there are to ask."""
    with look(path.parent) as journal:
        return (
            journal.meta(),
            list(journal.rows()),
            journal.best(50),
            journal.statistics(),
            journal.lineage(0, 39),
            journal.digest(),
            journal.counts(),
        )


def test_a_flipped_bit_is_noticed_or_changes_nothing_that_is_shown(folder: Path) -> None:
    path = folder / JOURNAL
    whole, expected = path.read_bytes(), everything(path)
    draws, noticed = random.Random(0), list[str]()
    for _ in range(BITS):
        place, bit = draws.randrange(len(whole)), draws.randrange(8)
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << bit]) + whole[place + 1 :])
        try:
            assert everything(path) == expected, f"bit {bit} of byte {place}"
        except UserError as error:
            noticed.append(str(error))
    assert len(noticed) > BITS / 4  # much of the file is empty
    assert all(str(path) in message for message in noticed)


def test_a_key_of_the_metadata_that_is_null_is_damage(folder: Path) -> None:
    """The byte in front of a key gives its length and its type, 0 for null; the length of the value takes 1 to 3."""
    journal = folder / JOURNAL
    original = journal.read_bytes()
    place = original.index(b"yardstick")
    said = []
    for before in (2, 3, 4):
        journal.write_bytes(original[: place - before] + b"\0" + original[place - before + 1 :])
        with pytest.raises(UserError) as error, look(folder):
            pass
        said.append(str(error.value))
    assert any("its initial metadata were altered" in text for text in said)


def test_a_schema_that_is_no_text_is_damage(folder: Path) -> None:
    path = folder / JOURNAL
    whole = path.read_bytes()
    start = whole.index(b"CREATE TABLE") if b"CREATE TABLE" in whole else whole.index(b"create table")
    for place in range(start, start + 200, 20):
        path.write_bytes(whole[:place] + b"\xc5" + whole[place + 1 :])
        with pytest.raises(UserError, match=re.escape(str(path))):
            look(folder)


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("update candidates set fitness = -5.0 where number = 12", "altered at candidate 12 of repeat 0"),
        ("update candidates set losses = '{\"x\": []}' where number = 0", "altered at candidate 0 of repeat 0"),
        ("update candidates set live = 1, statements = 1 where number = 5", "altered at candidate 5 of repeat 0"),
        ("update candidates set probe = x'00' where number = 7", "altered at candidate 7 of repeat 0"),
        ("update meta set value = '4' where key = 'searches'", "its initial metadata were altered"),
        ("update meta set value = replace(value, 'lr', 'g') where key = 'start'", "its initial metadata were altered"),
        ("update notes set value = '99.0' where key = 'seconds'", "its note `seconds` was altered"),
    ],
)
def test_what_was_altered_is_said_in_place_of_a_table(
    statement: str, what: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Journal.open(folder / JOURNAL) as journal:
        journal.note("seconds", 1.0)
    with closing(sqlite3.connect(folder / JOURNAL)) as connection, connection:
        assert connection.execute(statement).rowcount == 1
    for command in ("inspect", "resume"):
        assert main([command, str(folder)]) == 2
        shown = capsys.readouterr()
        assert what in shown.err
        assert shown.out == ""


def test_a_journal_is_not_checked_twice_unless_it_has_changed(folder: Path) -> None:
    path = folder / JOURNAL
    look(folder).close()
    assert not is_verified(path)  # it was written a moment ago
    os.utime(path, (1e9, 1e9))
    look(folder).close()
    assert is_verified(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("update candidates set fitness = -5.0 where number = 12")
    assert not is_verified(path)


def test_a_rollback_journal_that_names_another_file_is_refused_and_the_file_stays(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    victim = folder.parent / "victim.txt"
    victim.write_text("mine")
    path = folder / JOURNAL
    name = str(victim).encode()
    header = bytes.fromhex("d9d505f920a163d7") + struct.pack(">IIIII", 0, 1, path.stat().st_size // 4096, 512, 4096)
    end = struct.pack(">II", len(name), sum(name)) + bytes.fromhex("d9d505f920a163d7")
    hot = header.ljust(512, b"\0") + struct.pack(">I", 262145) + name + end
    (folder / f"{JOURNAL}-journal").write_bytes(hot)
    for command in ("inspect", "resume"):
        assert main([command, str(folder)]) == 2
        assert "is a rollback journal, which optsearch never writes" in capsys.readouterr().err
    assert victim.read_text() == "mine"
    assert (folder / f"{JOURNAL}-journal").read_bytes() == hot


@pytest.mark.parametrize(
    "statement",
    [
        "create trigger t after insert on candidates begin delete from candidates; end",
        "create view v as select 1",
        "create table other (x)",
        "create index other on candidates (reason)",
    ],
)
def test_tables_views_and_triggers_that_are_not_ours_are_refused(statement: str, folder: Path) -> None:
    with closing(sqlite3.connect(folder / JOURNAL)) as connection, connection:
        connection.execute(statement)
    for opening in (Journal.open, Journal.look):
        with pytest.raises(UserError, match="tables, views or triggers that are not those of a journal"):
            opening(folder / JOURNAL)


@pytest.mark.parametrize("name", ["run.lock", SUMMARY, JOURNAL, f"{JOURNAL}-wal", f"{JOURNAL}-shm", "best.py"])
@pytest.mark.parametrize("command", ["inspect", "resume"])
def test_a_file_of_a_run_folder_that_is_a_link_is_refused_and_its_target_stays(
    name: str, command: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    victim = folder.parent / "victim.txt"
    victim.write_text("mine")
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(victim)
    assert main([command, str(folder)]) == 2
    assert f"`{folder / name}` is a link; the files of a run folder must be regular" in capsys.readouterr().err
    assert victim.read_text() == "mine"


def test_a_pipe_in_a_run_folder_is_refused_and_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / SUMMARY)
    with pytest.raises(UserError, match="is no regular file"):
        look(folder)


def test_a_file_is_written_beside_links_and_never_through_them(tmp_path: Path) -> None:
    victim = tmp_path / "victim.txt"
    victim.write_text("mine")
    for name in ("best.py", "best.py.part", ".part-best.py"):
        (tmp_path / name).symlink_to(victim)
    write_text(tmp_path / "best.py", "new")
    assert victim.read_text() == "mine"
    assert (tmp_path / "best.py").read_text() == "new"
    assert not (tmp_path / "best.py").is_symlink()


def test_a_file_has_the_usual_permissions_and_the_umask_is_not_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "umask", None)  # changing it would change the files of other threads
    write_text(tmp_path / "ours", "")
    (tmp_path / "usual").write_text("")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_file_that_cannot_be_written_leaves_nothing_half_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "best.py").write_text("old")
    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(UserError, match=r"best.py` cannot be written: No space left on device"):
        write_text(tmp_path / "best.py", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["best.py"]
    assert (tmp_path / "best.py").read_text() == "old"


def test_looking_writes_nothing_also_where_a_process_died_or_lives(folder: Path) -> None:
    def state(place: Path) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in place.iterdir() if path.suffix != ".sqlite-shm"}

    with locked(folder), Journal.open(folder / JOURNAL) as journal:
        journal.append(0, REFERENCE[40:])
        shutil.copytree(folder, folder.parent / "killed")
        before = state(folder)
        with look(folder) as alive:
            assert len(list(alive.rows())) == len(REFERENCE)
        assert state(folder) == before
    killed = folder.parent / "killed"
    (killed / f"{JOURNAL}-shm").unlink()
    before = state(killed)
    assert f"{JOURNAL}-wal" in before
    with look(killed) as dead:
        assert len(list(dead.rows())) == len(REFERENCE)
    assert state(killed) == before
    assert {path.name for path in killed.iterdir()} == before.keys()


CODES = {
    "SQLITE_READONLY": "is read-only",
    "SQLITE_READONLY_DIRECTORY": "is read-only",
    "SQLITE_CANTOPEN": "cannot be opened",
    "SQLITE_PERM": "cannot be opened",
    "SQLITE_FULL": "the disk is full",
    "SQLITE_IOERR_WRITE": "as on a full disk",
    "SQLITE_IOERR_READ": "check that the disk is mounted",
    "SQLITE_BUSY": "another process is writing to",
    "SQLITE_CORRUPT": "is damaged",
    "SQLITE_NOTADB": "is damaged",
    "SQLITE_IOERR_SHORT_READ": "is damaged",
}


@pytest.mark.parametrize("code", CODES)
def test_only_what_is_damaged_is_called_so_and_offered_a_repair(code: str) -> None:
    error = sqlite3.OperationalError("something")
    error.sqlite_errorname = code
    message = str(explain(error, Path("run/journal.sqlite")))
    assert CODES[code] in message
    assert ("--repair" in message) == ("damaged" in message) == (CODES[code] == "is damaged")


@pytest.mark.parametrize("step", range(4))
def test_a_repair_that_is_killed_anywhere_leaves_a_run(
    step: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(sqlite3.connect(folder / JOURNAL)) as connection, connection:
        connection.execute("update candidates set fitness = -5.0 where number = 12")
    (folder / f"{JOURNAL}-wal").write_bytes(b"")
    left = iter(range(step))

    def killed(original: object) -> object:
        def call(*arguments: object, **named: object) -> object:
            if next(left, None) is None:
                raise KeyboardInterrupt
            return original(*arguments, **named)  # type: ignore[operator]

        return call

    monkeypatch.setattr("search.record.repairs.os.link", killed(os.link))
    for name in ("rename", "replace"):
        monkeypatch.setattr(Path, name, killed(getattr(Path, name)))
    with pytest.raises(KeyboardInterrupt):
        repair(folder / JOURNAL)
    monkeypatch.undo()
    with Journal.look(folder / JOURNAL, damaged=True) as journal:
        assert journal.meta()["searches"] == 1
    assert repair(folder / JOURNAL) == 12
    with look(folder) as journal:
        assert len(list(journal.rows())) == 12


def test_of_two_that_write_to_one_journal_the_second_is_told_who_the_other_is(folder: Path) -> None:
    with locked(folder), Journal.open(folder / JOURNAL) as one, Journal.open(folder / JOURNAL) as other:
        other.digest()
        one.append(0, REFERENCE[40:42])
        with pytest.raises(UserError, match=rf"another process is writing to .* \(.* process {os.getpid()} on "):
            other.append(0, REFERENCE[40:42])
        with (
            pytest.raises(UserError, match=rf"is in use by another `optsearch` \(.* process {os.getpid()} on "),
            locked(folder),
        ):
            pass


def test_a_lineage_that_leads_in_a_circle_ends(tmp_path: Path) -> None:
    circle = [r._replace(candidate=r.candidate._replace(parent=1 - r.candidate.number)) for r in REFERENCE[:2]]
    with Journal.create(tmp_path / "j", {}) as journal:
        journal.append(0, circle)
        assert [row.number for row in journal.lineage(0, 1)] == [0, 1]


@pytest.mark.parametrize("key", ["config", "start", "yardstick", "versions", "searches", "run"])
def test_a_journal_without_what_every_run_notes_is_refused(
    key: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with look(folder) as journal:
        meta = journal.first_meta()
    (folder / JOURNAL).unlink()
    Journal.create(folder / JOURNAL, {name: value for name, value in meta.items() if name != key}).close()
    for command in ("inspect", "resume"):
        assert main([command, str(folder)]) == 2
        assert f"is damaged: `{key}` is missing" in capsys.readouterr().err


def test_the_journal_says_nothing_of_where_the_machine_keeps_things(folder: Path) -> None:
    with look(folder) as journal:
        assert str(folder.parent) not in json.dumps(journal.meta())
