"""A run that is killed or stopped and resumed has the digest of one that was never disturbed."""

import random
import re
import signal
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from primitives import UserError
from search.algorithms.mutation import MUTATIONS
from search.commands.panel import LivePanel
from search.record.folder import open_journal
from search.record.journal import read_digest
from search.running import loop, open_run
from search.running import run as runner
from search.running import setup as evaluation
from search.settings.reading import read_config
from tests.processes import begin, finished, wait_for_rows


def test_killed_four_times_at_random_and_resumed_gives_the_same_digest(small_run: Path, undisturbed: str) -> None:
    folder = small_run.parent / "killed"
    process = begin("run", str(small_run), "--out", str(folder))
    moments = random.Random(0)
    for rows in sorted(moments.sample(range(1, 38), 4)):
        wait_for_rows(folder / "journal.sqlite", rows, process)
        time.sleep(moments.uniform(0, 0.05))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert not (folder / "summary.json").exists()
        process = begin("resume", str(folder), "--json")
    summary = finished(process)
    assert summary["digest"] == undisturbed == read_digest(folder / "journal.sqlite")
    assert summary["complete"] is True
    assert (folder / "summary.json").exists()


def test_a_second_driver_is_kept_out_and_the_first_goes_on(small_run: Path, undisturbed: str) -> None:
    first = begin("run", str(small_run), "--out", "run", "--json")
    wait_for_rows(Path("run/journal.sqlite"), 3, first)
    first.send_signal(signal.SIGSTOP)
    second = begin("resume", "run")
    _, error = second.communicate()
    assert second.returncode == 2
    assert error.startswith(
        f"optsearch: `run` is in use by another `optsearch` (the last to lock the folder was process {first.pid} "
    )
    assert error.endswith("), which must end first\n")
    first.send_signal(signal.SIGCONT)
    assert finished(first)["digest"] == undisturbed


def test_a_full_disk_is_named_and_the_run_goes_on_when_there_is_room(small_run: Path, undisturbed: str) -> None:
    full = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (70_000, 70_000)); "
        "from search.commands.main import main; sys.exit(main())"
    )
    process = begin("run", str(small_run), "--out", "run", code=full)
    _, error = process.communicate()
    assert process.returncode == 2, error
    assert "`run/journal.sqlite` cannot be written" in error.splitlines()[-1]
    assert (
        "recorded results are kept: make room, then `optsearch resume run` continues the run" in error.splitlines()[-1]
    )
    assert finished(begin("resume", "run", "--json"))["digest"] == undisturbed


def test_a_damaged_journal_is_named_and_mended_on_demand(small_run: Path, undisturbed: str) -> None:
    with LivePanel(quiet=True) as progress:
        runner.run_search(read_config(small_run), Path("run"), progress)
    with Path("run/journal.sqlite").open("r+b") as file:
        file.truncate(Path("run/journal.sqlite").stat().st_size * 2 // 3)
    process = begin("resume", "run")
    _, error = process.communicate()
    assert process.returncode == 2
    assert "is damaged: database disk image is malformed; `optsearch resume run --repair` keeps a copy" in error
    assert finished(begin("resume", "run", "--repair", "--json"))["digest"] == undisturbed
    with closing(sqlite3.connect("run/journal.sqlite")) as connection, connection:
        connection.execute("delete from candidates where number = 11")
    process = begin("resume", "run")
    _, error = process.communicate()
    assert process.returncode == 2
    assert "is damaged: altered at candidate 11 of repeat 0; `optsearch resume run --repair` keeps a copy" in error
    assert finished(begin("resume", "run", "--repair", "--json"))["digest"] == undisturbed
    assert Path("run/journal.sqlite.damaged-2").exists()


def test_ctrl_c_saves_and_reports_and_the_run_can_be_resumed(small_run: Path, undisturbed: str) -> None:
    folder = small_run.parent / "stopped"
    process = begin("run", str(small_run), "--out", str(folder), "--json")
    wait_for_rows(folder / "journal.sqlite", 8, process)
    process.send_signal(signal.SIGINT)
    summary = finished(process, status=130)
    assert summary["complete"] is False
    assert 8 <= summary["children"] < 41
    assert (folder / "best.py").exists()
    assert finished(begin("resume", str(folder), "--json"))["digest"] == undisturbed


def test_a_second_ctrl_c_stops_at_once_and_keeps_what_was_recorded(small_run: Path, undisturbed: str) -> None:
    folder = small_run.parent / "interrupted"
    process = begin("run", str(small_run), "--out", str(folder))
    wait_for_rows(folder / "journal.sqlite", 4, process)
    process.send_signal(signal.SIGINT)
    time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate()
    assert process.returncode == 130, error
    assert "Traceback" not in error
    assert finished(begin("resume", str(folder), "--json"))["digest"] == undisturbed


def test_the_window_decides_the_history(small_run: Path, undisturbed: str) -> None:
    with LivePanel(quiet=True) as progress:
        config = read_config(small_run, ["workers.in_flight=2"])
        assert runner.run_search(config, small_run.parent / "other", progress).digest != undisturbed


def test_a_resumed_run_needs_neither_its_config_nor_its_program_file(small_run: Path) -> None:
    program = small_run.parent / "mine.py"
    program.write_text("def train(w, g, m, v, lr):\n    update = g * 0.1\n    return update, m, v\n")
    folder = small_run.parent / "run"
    with LivePanel(quiet=True) as progress:
        config = read_config(small_run, ["program=mine.py", "search.children=3"])
        first = runner.run_search(config, folder, progress)
        program.unlink()
        (folder / "config.yaml").unlink()
        assert runner.resume_search(folder, progress).digest == first.digest


def test_a_stop_between_two_rounds_is_not_the_end(small_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = read_config(small_run, ["search.rounds=2", "search.children=6"])

    def stopping(*arguments: Any, **options: Any) -> None:
        loop.search(*arguments, **options)
        options["stop"].set()

    monkeypatch.setattr(runner, "search", stopping)
    with LivePanel(quiet=True) as progress:
        first = runner.run_search(config, small_run.parent / "run", progress)
        assert (first.complete, first.statistics["children"]) == (False, 7)
        monkeypatch.undo()
        assert runner.resume_search(small_run.parent / "run", progress).statistics["children"] == 14


def test_a_second_round_starts_from_the_best_of_the_first(small_run: Path) -> None:
    config = read_config(small_run, ["search.rounds=2", "search.repeats=2", "search.children=12"])
    with LivePanel(quiet=True) as progress:
        runner.run_search(config, Path("run"), progress)
    with open_journal(Path("run")) as journal:
        (best,) = journal.best(1, repeats=range(2))
        starts = {row.repeat: row.program for row in journal.rows("number = 0")}
    assert best.program != starts[0]
    assert starts == {0: starts[0], 1: starts[0], 2: best.program, 3: best.program}


def test_scores_of_two_yardsticks_are_not_mixed(small_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = read_config(small_run, ["search.children=2"])
    with LivePanel(quiet=True) as progress:
        runner.run_search(config, small_run.parent / "run", progress)
        monkeypatch.setattr(evaluation, "noise", lambda name: 0.5)
        with pytest.raises(UserError, match="the tasks, data or baselines of"):
            runner.resume_search(small_run.parent / "run", progress)


def test_a_search_that_runs_into_dead_ends_goes_on_from_the_start(small_run: Path) -> None:
    others = ", ".join(f"{name}: 0" for name in MUTATIONS if name != "delete")
    config = read_config(small_run, [f"search.mutations={{{others}}}", "search.children=40"])
    with LivePanel(quiet=True) as progress:
        assert runner.run_search(config, small_run.parent / "run", progress).statistics["children"] == 41


def test_a_starting_program_that_never_trains_is_named(small_run: Path) -> None:
    program = small_run.parent / "bad.py"
    program.write_text("def train(w, g, m, v, lr):\n    x = m * 0.5\n    update = log(x)\n    return update, m, v\n")
    others = ", ".join(f"{name}: 0" for name in MUTATIONS if name != "scale")
    overrides = ["program=bad.py", "search.children=2", f"search.mutations={{{others}}}"]
    config = read_config(small_run, overrides)
    with LivePanel(quiet=True) as progress, pytest.raises(UserError, match="no program could be trained"):
        runner.run_search(config, small_run.parent / "run", progress)


def test_workers_that_cannot_start_leave_no_folder(small_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise UserError("the cluster cannot be joined")

    monkeypatch.setattr(open_run, "executor", refused)
    with pytest.raises(UserError, match="cannot be joined"):
        runner.run_search(read_config(small_run), Path("new"))
    assert not Path("new").exists()


def test_a_run_that_is_stopped_before_its_first_candidate_can_be_resumed(small_run: Path) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(UserError, match="`optsearch resume` continues the run"):
        runner.run_search(read_config(small_run, ["selection.tuning_trials=0"]), Path("stopped"), stop=stop)
    assert runner.resume_search(Path("stopped")).statistics["children"] == 41


def test_a_run_with_a_recorded_trial_is_kept_after_an_error(small_run: Path) -> None:
    def recorded() -> None:
        with open_run.new_run(read_config(small_run), Path("other")) as opened:
            opened.journal.record_trials({("program", "task", "validation", 0, 1): (0.5,)}, {})
            raise UserError("later")

    with pytest.raises(UserError, match="later"):
        recorded()
    assert Path("other/journal.sqlite").exists()  # something is recorded


@pytest.mark.parametrize("algorithm", ["regularized_evolution", "random", "tree"])
def test_a_search_that_was_extended_has_the_history_of_a_longer_one(small_run: Path, algorithm: str) -> None:
    settings = [f"search.algorithm={algorithm}", "selection.tuning_trials=0"]
    longer = runner.run_search(read_config(small_run, [*settings, "search.children=30"]), Path("longer"))
    shorter = runner.run_search(read_config(small_run, [*settings, "search.children=12"]), Path("run"))
    extended = runner.resume_search(Path("run"), children=30)
    assert (shorter.statistics["children"], extended.statistics["children"]) == (13, 31)
    assert extended.digest == longer.digest != shorter.digest
    assert read_config(Path("run/config.yaml")).search.children == 30
    assert runner.resume_search(Path("run")).digest == longer.digest


@pytest.mark.parametrize(
    ("change", "children", "said"),
    [
        ("search.children=12", 11, "`search.children` (=11) must be at least 12, as the run has it now"),
        ("search.rounds=2", 30, "`search.children`: a search in 2 rounds cannot be extended; start a new run"),
        ("search.algorithm=tune_constants", 30, "`tune_constants` plans for its number of candidates"),
    ],
)
def test_a_search_that_cannot_be_extended_says_so_and_stays_as_it_is(
    small_run: Path, change: str, children: int, said: str
) -> None:
    runner.run_search(read_config(small_run, ["search.children=12", change, "selection.tuning_trials=0"]), Path("run"))
    before = read_digest(Path("run/journal.sqlite")), Path("run/config.yaml").read_text()
    with pytest.raises(UserError, match=re.escape(said)):
        runner.resume_search(Path("run"), children=children)
    assert (read_digest(Path("run/journal.sqlite")), Path("run/config.yaml").read_text()) == before
    resumed = runner.resume_search(Path("run"), children=12)  # as it has; so does a change of the workers alone
    assert resumed.digest == before[0]
