"""Runs of the algorithm `structures`: one history, whatever happens to the processes and however many there are."""

import shutil
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from primitives import UserError
from search.commands.panel import LivePanel
from search.record.journal import read_digest
from search.running import open_run
from search.running import run as runner
from search.settings.config import Config
from search.settings.reading import build_config, read_config
from tests.processes import begin, finished, wait_for_rows

CONFIG = """
seed: 3
program: adamw
tasks: [digits]
search:
  algorithm: structures
  children: 12
  repeats: 2
  structures: {generation: 6, tuning_seeds: 2, climb_seeds: 2, judging_seeds: 2, climb_trials: 2, whole_trials: 2,
    short_trials: 2, refined: 1, refined_trials: 2, rotate_every: 2}
evaluation: {seeds: 2, first_seeds: 1, statement_price: 0.015, slot_price: 0.02}
selection: {finalists: 2, seeds: 2, tuning_trials: 0}
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A config of a run that takes seconds, in an empty working directory."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "structures.yaml"
    path.write_text(CONFIG)
    return path


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the run when nothing happens to it, in one process."""
    folder = tmp_path_factory.mktemp("expected")
    path = folder / "structures.yaml"
    path.write_text(CONFIG)
    with LivePanel(quiet=True) as panel:
        runner.run_search(read_config(path), folder / "run", panel)
    return folder / "run"


@pytest.fixture
def expected(undisturbed: Path) -> str:
    """Digest of that run."""
    return read_digest(undisturbed / "journal.sqlite")


def test_killed_in_mid_generation_and_resumed_gives_the_same_digest(config: Path, expected: str) -> None:
    process = begin("run", str(config), "--out", "killed", "--set=workers.breeders=1")
    journal = Path("killed/journal.sqlite")
    helpers = []
    for trials in (20, 70):
        wait_for_rows(journal, trials, process, "trials")
        helpers += psutil.Process(process.pid).children()
        process.send_signal(signal.SIGKILL)
        process.communicate()
        process = begin("resume", "killed", "--json", "--set=workers.breeders=0")
    assert len(helpers) == 1
    assert not psutil.wait_procs(helpers, timeout=60)[1]
    assert finished(process)["digest"] == expected == read_digest(journal)
    with closing(sqlite3.connect(journal)) as connection:
        assert connection.execute("select count(*) from trials").fetchone()[0] > 100


def test_a_search_that_was_extended_has_the_history_of_a_longer_one(config: Path, expected: str) -> None:
    """Generations of the shorter search, the trials of its conclusion, and helper processes change nothing."""
    shorter = finished(begin("run", str(config), "--out", "run", "--set", "search.children=6", "--json"))
    extended = finished(begin("resume", "run", "--set=search.children=12", "--set=workers.breeders=2", "--json"))
    assert extended["digest"] == expected != shorter["digest"]


def test_two_workers_give_the_digest_of_one_process(config: Path, expected: str) -> None:
    process = begin("run", str(config), "--out", "ray", "--json", "--set=workers.executor=ray", "--set=workers.count=2")
    assert finished(process)["digest"] == expected


def test_a_journal_with_other_candidates_is_refused(undisturbed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "changed"
    shutil.copytree(undisturbed, folder)
    with closing(sqlite3.connect(folder / "journal.sqlite")) as connection:
        (values,) = connection.execute("select value from meta where key = 'config'").fetchone()
        changed = values.replace('"twice": 0.3', '"twice": 0.9')
        assert changed != values
        connection.execute("update meta set value = ? where key = 'config'", (changed,))
        connection.commit()
    with pytest.raises(UserError, match="its initial metadata were altered"):
        runner.resume_search(folder)


def test_a_search_that_breeds_other_candidates_than_the_journal_has_is_refused(
    undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "other"
    shutil.copytree(undisturbed, folder)
    read = open_run.config_of

    def with_more_operators(*arguments: Any) -> Config:
        config = read(*arguments)
        structures = config.search.structures.model_copy(update={"twice": 0.9})
        return config.model_copy(update={"search": config.search.model_copy(update={"structures": structures})})

    monkeypatch.setattr(open_run, "config_of", with_more_operators)
    with pytest.raises(UserError, match=r"candidate \d+ of repeat \d+ differs from the one in the journal"):
        runner.resume_search(folder)


def test_an_unknown_program_of_the_corpus_is_named_before_a_folder_is_made(tmp_path: Path) -> None:
    config = build_config({"search": {"algorithm": "structures", "structures": {"corpus": ["adams"]}}})
    with pytest.raises(UserError, match="adams"):
        runner.run_search(config, tmp_path / "never")
    assert not (tmp_path / "never").exists()
