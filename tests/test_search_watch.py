"""`watch` follows a run from another process, ends with it, and writes nothing."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from tensorboardX.proto.event_pb2 import Event

from search.commands import watch as watching
from search.commands.main import main
from search.record import JOURNAL, SEARCH_ENDED, SUMMARY, Journal, locked, look
from search.running import snapshot
from search.running.watching import IDLE
from tests.recorded_runs import record, recorded_run, records, summary, write_journal


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def make_old(folder: Path) -> None:
    """Let a journal be one that nobody has written to for a while."""
    changed = (folder / JOURNAL).stat().st_mtime - 2 * IDLE
    os.utime(folder / JOURNAL, (changed, changed))


def test_a_run_that_has_ended_is_shown_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = recorded_run(tmp_path / "run")
    before = contents(folder)
    assert main(["watch", str(folder)]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("ended: 40/41 children")
    assert "the search is complete" in line
    assert contents(folder) == before


def test_a_run_whose_process_died_is_said_to_be_resumable(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_journal(tmp_path / "run", records(12), ended=False)
    make_old(tmp_path / "run")
    assert main(["watch", str(tmp_path / "run")]) == 0
    assert capsys.readouterr().out.startswith("stopped; `optsearch resume` continues the run: 12/41 children")


def follow(folder: Path, monkeypatch: pytest.MonkeyPatch, between: list[Callable[[], object]], *arguments: str) -> None:
    """Watch a run that something happens to between the looks."""
    happening = iter(between)
    monkeypatch.setattr(watching, "_wait", lambda every, began: next(happening)())
    assert main(["watch", str(folder), *arguments]) == 0


def test_a_run_is_followed_until_its_process_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, history = tmp_path / "run", list(records(40))
    write_journal(folder, history[:20], ended=False)
    make_old(folder)
    lock = locked(folder)
    lock.__enter__()

    def search_on() -> None:
        with Journal.open(folder / JOURNAL) as journal:
            journal.append(0, history[20:])

    def conclude() -> None:
        with Journal.open(folder / JOURNAL) as journal:
            journal.note(SEARCH_ENDED, True)

    def end() -> None:
        (folder / SUMMARY).write_text(json.dumps(summary()))
        lock.__exit__(None, None, None)

    follow(folder, monkeypatch, [search_on, conclude, end], "--json")
    looks = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [look["children"] for look in looks] == [20, 40, 40, 40]
    assert [look["searched"] for look in looks] == [False, False, True, True]
    assert [look["running"] for look in looks] == [True, True, True, False]
    assert [look["ended"] for look in looks] == [False, False, False, True]
    assert [row["number"] for row in looks[1]["latest"]] == [39, 38, 37, 36, 35]
    assert looks[0]["workers"] == f"inline, process {os.getpid()} on {os.uname().nodename}"


@pytest.mark.parametrize("width", [80, 160])
def test_the_panel_fits_the_terminal_and_says_what_is_tried(tmp_path: Path, width: int) -> None:
    hostile = "\x1b[31m[red]" + "x" * 300
    write_journal(
        tmp_path / "run", [*records(12), record(12, next(iter(records(1))).candidate.program, 0.0, mutation=hostile)]
    )
    now = snapshot(tmp_path / "run")
    pace = watching.Pace()
    pace.add(now, 0.0)
    console = Console(width=width, record=True, file=StringIO())
    console.print(watching.panel(tmp_path / "run", now, pace, narrow=width < 110))
    shown = console.export_text()
    assert max(map(len, shown.splitlines())) == width
    for words in ("13 of 41", "front", "latest candidates", "0/12", "[red]", "tuned Lion", "-0.050 (5 % below AdamW)"):
        assert words in shown


def test_pace_is_taken_over_the_last_looks(tmp_path: Path) -> None:
    write_journal(tmp_path / "run", records(10), ended=False)
    now, pace = snapshot(tmp_path / "run"), watching.Pace()
    pace.add(now, 0.0)
    assert pace.left(now) == "–"
    write_journal(tmp_path / "later", records(20), ended=False)
    later = snapshot(tmp_path / "later")
    pace.add(later, 5.0)
    assert pace.rates[0] == pytest.approx(2.0)
    assert pace.left(later) == f"{(41 - 20) / 2:.0f} s"


def test_what_is_no_run_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", str(tmp_path)]) == 2
    assert "is not a run folder" in capsys.readouterr().err


def test_looks_leave_as_curves_for_tensorboard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = recorded_run(tmp_path / "run")
    assert main(["watch", str(folder), "--tensorboard", str(tmp_path / "curves")]) == 0
    (events,) = (tmp_path / "curves").iterdir()
    found = {value.tag: (event.step, value.simple_value) for event in _events(events) for value in event.summary.value}
    with look(folder) as journal:
        best = journal.best(1)[0].fitness
    assert found["fitness/best"] == (40, pytest.approx(best))
    assert found["fitness/tuned_lion"] == (40, pytest.approx(-0.05))
    assert found["search/evaluated"][1] + found["search/cache_hits"][1] == 40


def _events(path: Path) -> Iterator[Any]:
    """Records of an event file: length, its checksum, an event, its checksum."""
    content = path.read_bytes()
    while content:
        size = int.from_bytes(content[:8], "little")
        yield Event.FromString(content[12 : 12 + size])
        content = content[16 + size :]


def test_curves_without_their_library_are_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    assert main(["watch", str(recorded_run(tmp_path / "run", 4)), "--tensorboard", str(tmp_path / "curves")]) == 2
    assert "`pip install tensorboardX`" in capsys.readouterr().err
    assert not (tmp_path / "curves").exists()
