"""Files of a run folder that are links, pipes, too large or no JSON: nothing else is written, and nothing blocks."""

import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from primitives import UserError
from search.claims import CLAIMS, draw
from search.claims.results_file import ResultsFile
from search.commands.main import main
from search.record.folder import JOURNAL, SUMMARY, locked
from search.record.journal import Journal
from search.running.open_run import new_run
from search.running.reproduce import reproduce_all
from search.running.reproduction_file import recorded_runs
from search.settings import ClaimSettings, read_claim_settings
from search.settings.reading import read_config
from tests.test_search_engine import REFERENCE


@pytest.fixture
def folder(small_run: Path) -> Path:
    """A run folder with some candidates."""
    with new_run(read_config(small_run), small_run.parent / "run") as opened:
        opened.journal.append(0, REFERENCE[:40])
    return small_run.parent / "run"


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A file that must not change."""
    path = tmp_path / "victim.txt"
    path.write_text("mine")
    return path


@pytest.mark.parametrize("name", ["run.lock", f"{JOURNAL}-wal", f"{JOURNAL}-shm"])
def test_a_file_that_is_written_in_place_and_is_a_hard_link_is_refused(
    name: str, folder: Path, victim: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / name).unlink(missing_ok=True)
    (folder / name).hardlink_to(victim)
    for command in ("resume", "select"):
        assert main([command, str(folder)]) == 2
        assert f"`{folder / name}` is a hard link" in capsys.readouterr().err
    assert victim.read_text() == "mine"
    if name != "run.lock":
        with locked(folder), pytest.raises(UserError, match="is a hard link"):
            Journal.open(folder / JOURNAL)
        assert victim.read_text() == "mine"


def test_a_log_that_is_a_hard_link_is_not_opened_by_a_reader_beside_a_running_process(
    folder: Path, victim: Path
) -> None:
    (folder / f"{JOURNAL}-wal").unlink(missing_ok=True)
    (folder / f"{JOURNAL}-wal").hardlink_to(victim)
    with locked(folder), pytest.raises(UserError, match="is a hard link"):
        Journal.look(folder / JOURNAL)


def test_a_lock_that_is_replaced_while_it_is_locked_is_not_emptied(
    folder: Path, victim: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.record.folder.check_single", lambda path: None)
    monkeypatch.setattr("search.record.folder.FileLock.acquire", lambda lock: None)
    (folder / "run.lock").unlink()
    (folder / "run.lock").hardlink_to(victim)
    with pytest.raises(UserError, match="was replaced while it was being locked"), locked(folder):
        pass
    assert victim.read_text() == "mine"


def test_a_new_run_refuses_a_lock_that_is_a_hard_link(small_run: Path, victim: Path) -> None:
    out = small_run.parent / "new"
    out.mkdir()
    (out / "run.lock").hardlink_to(victim)
    with pytest.raises(UserError, match="is a hard link"), new_run(read_config(small_run), out):
        pass
    assert victim.read_text() == "mine"


@pytest.mark.parametrize("link", [os.link, os.symlink])
def test_the_lock_of_a_reproduction_is_no_link(link: object, victim: Path) -> None:
    link(victim, victim.parent / "summary.lock")  # type: ignore[operator]
    with pytest.raises(UserError, match="link"):
        reproduce_all("lion", lambda seed: pytest.fail("it began"), [1], victim.parent)
    assert victim.read_text() == "mine"


def test_a_journal_with_a_second_name_is_opened(folder: Path) -> None:
    (folder.parent / "second name").hardlink_to(folder / JOURNAL)
    with Journal.open(folder / JOURNAL) as journal:
        assert journal.counts() == [(0, 40)]


WRONG = {
    "too deep": "[" * 100_000,
    "no JSON": "{",
    "no text": "\udc80",
    "other types": '{"runs": [{"seed": 1, "success": "?"}], "settings": {}, "versions": 3}',
    "missing keys": '{"runs": [{"seed": 1}], "settings": {}}',
    "a loss without the ratio that is shown": json.dumps(
        {
            "runs": [
                {"seed": 1, "success": True, "level": 3, "seconds": 1, "children": 1, "evaluated": 1, "verdict": ""}
                | {"losses": [{"program": "found", "split": "test", "change": 0.1}]}
            ]
        }
    ),
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG.keys())
def test_results_of_others_that_are_none_are_refused(text: str, tmp_path: Path, claims: ClaimSettings) -> None:
    for name in (SUMMARY, CLAIMS):
        (tmp_path / name).write_text(text, errors="surrogateescape")
    for read in readers(tmp_path, claims):
        with pytest.raises(UserError, match=r"is not .*choose another `--out`"):
            read()


def test_results_of_others_that_are_a_pipe_are_not_waited_for(tmp_path: Path, claims: ClaimSettings) -> None:
    for name in (SUMMARY, CLAIMS):
        os.mkfifo(tmp_path / name)
    for read in readers(tmp_path, claims):
        with pytest.raises(UserError, match="is no regular file"):
            read()


def test_results_of_others_are_read_up_to_a_limit(
    tmp_path: Path, claims: ClaimSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.record.json_files.LARGEST", 1000)
    for name in (SUMMARY, CLAIMS):
        with (tmp_path / name).open("wb") as file:
            file.truncate(2**40)
    for read in readers(tmp_path, claims):
        with pytest.raises(UserError, match="has more than 1,000 bytes"):
            read()


def test_values_that_a_figure_of_the_claims_cannot_show_are_named(tmp_path: Path) -> None:
    for name, data in (("published 1", {"rows": 3}), ("batches", [1]), ("maps", "x"), ("weights", {"x": {}})):
        with pytest.raises(UserError, match="cannot be drawn from the results"):
            draw([{"name": name, "data": data}], tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.fixture
def claims(tmp_path: Path) -> ClaimSettings:
    """Settings of a measurement without searches."""
    path = tmp_path / "claims.yaml"
    path.write_text("searches: []\n")
    return read_claim_settings(path)


def readers(folder: Path, claims: ClaimSettings) -> tuple[Callable[[], object], ...]:
    """The functions that read results of earlier commands in a folder."""
    return partial(recorded_runs, folder), partial(ResultsFile, claims, {}, folder)
