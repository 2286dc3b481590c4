"""Arguments of the Python API mean what they say, wherever the caller and the config are."""

import json
from pathlib import Path
from typing import Any

import pytest

import optsearch
from optsearch import _compare, _search, _temporary
from primitives import Program, builtin, to_text
from search.commands.main import main
from search.settings import Config, load_config
from tests.recorded_runs import recorded_run, write_journal

TWICE = """
import optsearch

@optsearch.primitive(code="2 * {0}")
def twice_of_a_plugin(x):
    return 2 * x
"""


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Config, Program]]:
    """The config and the starting program of each search, which is not run; the working directory is empty."""
    found: list[tuple[Config, Program]] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(_search, "run_search", lambda config, *_: found.append((config, load_config(config))))
    return found


def test_a_file_is_that_of_the_working_directory_and_not_the_one_beside_the_config(started: list[Any]) -> None:
    Path("configs").mkdir()
    Path("configs/x.yaml").write_text("tasks: [digits]\nprogram: start.py\n")
    Path("configs/start.py").write_text(to_text(builtin("sgd")))
    with pytest.raises(optsearch.UserError, match=r"`start\.py` is neither a file nor a built-in program"):
        optsearch.search("start.py", config="configs/x.yaml")
    Path("start.py").write_text(to_text(builtin("lion")))
    for given in ("start.py", Path("start.py"), None):
        optsearch.search(given, config="configs/x.yaml")
    assert [program for _, program in started] == [builtin("lion"), builtin("lion"), builtin("sgd")]


def test_a_search_starts_from_whatever_is_a_program(started: list[Any], tmp_path: Path) -> None:
    best = optsearch.open(recorded_run(tmp_path / "run")).best
    for given in (best, builtin("lion"), to_text(builtin("lion")), "lion"):
        optsearch.search(given)
    assert [program for _, program in started] == [builtin("lion")] * 4


@pytest.mark.usefixtures("own_extensions")
def test_a_starting_program_may_call_a_function_of_a_plugin_that_is_not_imported_yet(started: list[Any]) -> None:
    Path("my_functions.py").write_text(TWICE)
    text = "def train(w, g, m, v, lr):\n    update = twice_of_a_plugin(g)\n    return update, m, v\n"
    optsearch.search(text, settings={"search.plugins": ["my_functions"]})
    ((_, program),) = started
    assert program.statements[0].primitive == "twice_of_a_plugin"


def test_a_single_task_is_a_list_of_one(started: list[Any]) -> None:
    for given in ("digits", ["digits"]):
        optsearch.search(tasks=given)
    assert [config.tasks for config, _ in started] == [["digits"]] * 2


def test_a_setting_may_be_none(started: list[Any]) -> None:
    Path("x.yaml").write_text("tasks: [digits]\nsearch: {evaluations: 50}\n")
    optsearch.search(config="x.yaml")
    optsearch.search(config="x.yaml", settings={"search.evaluations": None})
    assert [config.search.evaluations for config, _ in started] == [50, None]


@pytest.mark.parametrize(
    ("sources", "arguments", "message"),
    [
        ("lion", {"split": "tests"}, "`split` .='tests'. must be one of train, validation, test; did you mean `test`"),
        ("lion", {"seeds": 0}, "`seeds` .=0. must be at least 1"),
        (["lion", Path("lion")], {}, "`sources` names `lion` twice"),
    ],
)
def test_a_score_that_makes_no_sense_is_refused(sources: Any, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(optsearch.UserError, match=message):
        optsearch.score(sources, **arguments)


def test_a_single_entrant_is_compared_with_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    import optax

    seen: list[Any] = []
    monkeypatch.setattr(_compare, "compare_entrants", lambda entrants, *_, **__: seen.append(entrants))
    given = ("lion", builtin("lion"), optax.sgd(0.1), optax.nadam)
    for one in (*given, {"mine": "lion"}):
        optsearch.compare(one)
    assert seen == [*([one] for one in given), {"mine": "lion"}]
    monkeypatch.undo()
    nothing: tuple[Any, ...] = ({}, [])
    for none in nothing:
        with pytest.raises(optsearch.UserError, match="`entrants` must not be empty"):
            optsearch.compare(none)


@pytest.mark.parametrize("name", ["lion", "lion_raw"])
def test_an_export_has_the_same_names_from_python_and_from_the_command_line(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", name, "--to", "optax", "--name", "optimizer", "--json"]) == 0
    text = json.loads(capsys.readouterr().out)["code"]
    assert text == optsearch.export(name)
    assert "Chen et al. (2023)" in text.splitlines()[0]
    assert "beta1: Scalar = 0.9" in text


def test_the_origin_of_an_export_is_that_of_the_program(started: list[Any], tmp_path: Path) -> None:
    Path("mine.py").write_text(to_text(builtin("sgd")))
    best = optsearch.open(recorded_run(tmp_path / "run")).best
    first = [optsearch.export(given).splitlines()[0] for given in ("mine.py", Path("mine.py"), builtin("sgd"), best)]
    assert first == [
        *['"""The program in `mine.py`.'] * 2,
        '"""A program of optsearch.',
        '"""Found by program search: candidate 3 of repeat 0, simplified.',
    ]
    assert not started


def temporary_run() -> optsearch.Run:
    keeper = _temporary.TemporaryFolder()
    write_journal(keeper.path / "run", [])
    return optsearch.open(keeper.path / "run")


def test_a_temporary_folder_is_kept_by_each_value_that_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    run = temporary_run()
    folder = run.folder
    run = optsearch.open(run.folder)
    assert folder.is_dir()
    monkeypatch.setattr(_search, "resume_search", lambda *_, **__: None)
    run = optsearch.resume(run.folder)
    assert folder.is_dir()
    candidates = run.candidates.where("evaluated")
    del run
    assert list(candidates) == []
    del candidates
    assert not folder.exists()
    assert list(temporary_run().candidates.to_pandas().index) == []
