"""The command line as a user meets it: results, exit statuses, one line for a mistake, nothing half made."""

import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import optsearch
from primitives import BUILTINS, UserError, builtin, parse, structure_hash, to_text
from proxy_tasks.catalog import TASKS
from search.commands import catalog_commands, run_commands
from search.commands import main as cli
from search.commands.main import main
from search.record import plain
from search.running import conclude, load_tasks
from search.running import run as runner
from search.running.studies import SHARES, CurvePoint, Studies
from search.settings.config import Config


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """Run a command that has to succeed, and read its JSON."""
    capsys.readouterr()
    status = main([*arguments, "--json"])
    captured = capsys.readouterr()
    assert status == 0, captured.err
    return dict(json.loads(captured.out))


def test_a_run_leaves_its_folder_and_the_same_seed_gives_the_same_digest(
    small_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = run_json(capsys, "run", str(small_run))
    second = run_json(capsys, "run", str(small_run))
    assert first["digest"] == second["digest"]
    assert (first["run"], second["run"]) == ("results/small", "results/small-2")
    assert first["children"] == 41
    assert 0 < first["evaluated"] <= 41
    assert first["complete"] is True
    best = parse(first["best"]["program"])
    assert structure_hash(best) == structure_hash(parse(first["best"]["as_found"]))
    assert first["best"]["tuned"] is (best != parse(first["best"]["as_found"]))
    folder = Path(first["run"])
    left = {path.name for path in folder.iterdir()} - {"run.lock"}
    code = {"best.py", "simplified.py", "optax_export.py"}
    assert left == {"config.yaml", "journal.sqlite", "summary.json", "dataflow.svg"} | code
    assert to_text(parse((folder / "simplified.py").read_text())) == first["simplified"]["program"]
    assert "def discovered(" in (folder / "optax_export.py").read_text()
    assert parse((folder / "best.py").read_text()) == best
    assert json.loads((folder / "summary.json").read_text()) == first
    scored = any(step["exactness"] == "scored" for step in first["simplified"]["steps"])
    compared = ("found", "adamw (tuned)", "lion (tuned)", *["simplified"] * scored)
    assert {(row["program"], row["split"]) for row in first["comparison"]} == {
        (program, split) for program in compared for split in ("validation", "test")
    }
    other = run_json(capsys, "run", str(small_run), "--set", "seed=4", "--out", "elsewhere")
    assert other["digest"] != first["digest"]
    assert other["run"] == "elsewhere"

    facts = run_json(capsys, "inspect", "results/small")
    assert facts["digest"] == first["digest"]
    assert facts["programs"][0]["fitness"] == min(row["fitness"] for row in facts["programs"])
    assert facts["lineage"][0]["number"] == 0
    assert facts["statistics"]["children"] == 41
    assert facts["derivation"] == first["simplified"]
    assert main(["inspect", "results/small"]) == 0
    shown = capsys.readouterr().out
    assert "best distinct programs" in shown
    assert "derivation of the simplified champion" in shown

    again = run_json(capsys, "resume", "results/small")
    assert again["digest"] == first["digest"]
    assert again["best"] == first["best"]


def test_a_run_for_people_prints_the_program_its_live_part_and_the_table_and_leaves_its_report(
    small_run: Path, reports: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(small_run), "--set", "search.children=3"]) == 0
    captured = capsys.readouterr()
    for words in (
        "champion",
        "live part:",
        "adamw (tuned)",
        "lion (tuned)",
        "digest",
        "report results/small/report.html",
    ):
        assert words in captured.out
    assert "search from adamw on digits" in captured.err
    page = Path("results/small/report.html").read_text(encoding="utf-8")
    assert "loss is" in page
    assert "Learning curves" not in page  # the run has trained too little to afford them

    points = tuple(CurvePoint("found", "digits", share, (0.5, 0.6)) for share in SHARES)
    monkeypatch.setattr(conclude, "study", lambda *_: Studies(points))
    assert main(["report", "results/small", "--train"]) == 0
    assert capsys.readouterr().out.endswith("report results/small/report.html\n")
    assert len(json.loads(Path("results/small/summary.json").read_text())["curves"]) == len(SHARES)
    assert "Learning curves, digits" in Path("results/small/report.html").read_text(encoding="utf-8")


def test_a_report_that_fails_does_not_fail_the_run(
    small_run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(folder: Path, journal: object) -> Path:
        raise ZeroDivisionError("a figure")

    monkeypatch.setattr(runner, "write_report", fail)
    assert main(["run", str(small_run), "--set", "search.children=1"]) == 0
    captured = capsys.readouterr()
    assert "no report was written: ZeroDivisionError: a figure" in captured.err
    assert "report.html" not in captured.out


def test_several_repeats_share_a_journal_and_differ(small_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    summary = run_json(capsys, "run", str(small_run), "--set", "search.repeats=2", "--set", "search.children=8")
    assert summary["children"] == 18
    with closing(sqlite3.connect("results/small/journal.sqlite")) as connection:
        rows = connection.execute("select repeat, program from candidates where number = 5 order by repeat").fetchall()
    assert [repeat for repeat, _ in rows] == [0, 1]
    assert rows[0][1] != rows[1][1]


def test_score_trains_with_files_and_builtins(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.py"
    file.write_text(to_text(builtin("adamw")))
    bad = tmp_path / "bad.py"
    bad.write_text("def train(w, g, m, v, lr):\n    update = log(m)\n    return update, m, v\n")
    facts = run_json(capsys, "score", str(file), "adamw", str(bad), "--task", "digits", "--seeds", "2")
    mine, named, diverged = facts["scores"]
    assert mine["loss"] == named["loss"] == pytest.approx(sum(mine["per_seed"]) / 2)
    assert (mine["program"], mine["task"], mine["status"]) == (str(file), "digits", "ok")
    assert (diverged["status"], diverged["loss"], diverged["per_seed"]) == ("diverged", None, [None, None])
    assert [row["program"] for row in facts["baselines"]] == ["adamw (tuned)", "lion (tuned)"]
    test = run_json(capsys, "score", "adamw", "--seeds", "2", "--split", "test")
    assert test["scores"][0]["loss"] != named["loss"]


def test_inspect_tells_what_matters_in_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    facts = run_json(capsys, "inspect", "lion_raw")
    assert len(facts["live"]) == 12
    assert {"m = clip(m, lr)", "m = cosh(update)"} <= set(facts["redundant"])
    assert facts["slots"] == ["v"]
    assert run_json(capsys, "inspect", "lion")["recognised"] == "lion"
    assert main(["inspect", "lion_raw"]) == 0
    assert "live part: 12 statements" in capsys.readouterr().out


def test_validate_prints_the_resolved_config_and_the_schema(
    small_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = run_json(capsys, "validate", str(small_run), "--set", "search.tournament=2")["config"]
    assert (config["search"]["tournament"], config["workers"]["executor"]) == (2, "inline")
    assert main(["validate", str(small_run), "--schema"]) == 0
    assert json.loads(capsys.readouterr().out) == Config.model_json_schema()


def test_validate_recognises_the_config_of_the_claims(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    claims = Path(__file__).resolve().parent.parent / "configs" / "claims.yaml"
    config = run_json(capsys, "validate", str(claims), "--set", "x1.trials=7")["config"]
    assert (config["x1"]["trials"], config["x100"], len(config["searches"])) == (7, None, 4)
    assert main(["validate", str(claims)]) == 0
    assert "batch_budget:" in capsys.readouterr().out
    assert main(["validate", str(claims), "--set", "x1.trails=7"]) == 2
    assert "unknown key `x1.trails`; did you mean `trials`" in capsys.readouterr().err
    (tmp_path / "mixed.yaml").write_text("seed: 1\nsearches: {children: 5}\n")  # a slip in the config of a run
    assert main(["validate", str(tmp_path / "mixed.yaml")]) == 2
    assert "unknown key `searches`; did you mean `search`" in capsys.readouterr().err
    (tmp_path / "search.yaml").write_text("search: {children: 0}\n")
    (tmp_path / "claims.yaml").write_text("searches: [search.yaml]\n")
    assert main(["validate", str(tmp_path / "claims.yaml")]) == 2
    assert "`search.children` (=0)" in capsys.readouterr().err


def test_the_overview_has_the_whole_first_sentence_of_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "..." not in capsys.readouterr().out.partition("Commands:")[2]


@pytest.mark.parametrize(("what", "count"), [("primitives", 44), ("tasks", len(TASKS)), ("programs", len(BUILTINS))])
def test_list_names_what_there_is(what: str, count: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(run_json(capsys, "list", what)[what]) == count
    assert main(["list", what]) == 0


@pytest.mark.parametrize("what", ["algorithms", "mutations", "families", "targets"])
def test_list_describes_every_extension_point(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [row for row in run_json(capsys, "list", what)[what] if ":" not in row["name"]]  # no families of other tests
    assert all(row["description"] for row in rows)
    assert len(rows) >= 4


EXTENSIONS = """
import optsearch


@optsearch.algorithm("waiting")
class Waiting:
    "Waits."


@optsearch.mutation(rate=0.25)
def shuffled(program, rng):
    "Shuffle."


@optsearch.task("flat")
def flat(rng):
    "A flat loss."


@optsearch.export_target("lines")
def lines(program, name, origin):
    "The number of lines."
    return f"{name}: {len(program.statements)} ({origin})"
"""


@pytest.mark.usefixtures("own_extensions")
def test_extensions_of_a_plugin_are_listed_and_its_export_target_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "listed_extensions.py").write_text(EXTENSIONS)
    monkeypatch.chdir(tmp_path)

    def listed(what: str) -> dict[str, Any]:
        rows = run_json(capsys, "list", what, "--plugin", "listed_extensions")[what]
        return {row.pop("name"): row for row in rows}

    assert listed("algorithms")["waiting"] == {"description": "Waits."}
    assert listed("mutations")["shuffled"] == {"rate": 0.25, "description": "Shuffle."}
    assert listed("families")["listed_extensions:flat"] == {"description": "A flat loss.", "settings": ""}
    assert listed("targets")["lines"] == {"description": "The number of lines."}
    assert main(["export", "lion", "--to", "lines", "--plugin", "listed_extensions"]) == 0
    assert capsys.readouterr().out.startswith("lion: 7 (lion: ")
    assert main(["export", "lion", "--to", "line", "--plugin", "listed_extensions"]) == 2
    assert "did you mean `lines`" in capsys.readouterr().err


@pytest.mark.usefixtures("own_extensions")
@pytest.mark.parametrize(
    ("result", "message"), [("None", "must return the text of a file, not NoneType"), ("1 / 0", "ZeroDivisionError")]
)
def test_an_export_target_that_fails_is_named(result: str, message: str) -> None:
    optsearch.export_target("failing")(lambda program, name, origin: eval(result))
    with pytest.raises(UserError, match=f"export target `failing` .*{message}"):
        optsearch.export("lion", to="failing")
    with pytest.raises(UserError, match="`optax` is taken"):
        optsearch.export_target("optax")(str)


def test_tune_prints_the_constants_for_all_tasks_of_a_config_as_one_object(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "two.yaml").write_text("tasks: [digits, vit]\n")
    known = [task.name for task in load_tasks(str(tmp_path / "two.yaml"))]
    (row,) = run_json(capsys, "tune", "digits", "--trials", "6", "--seeds", "1")["tasks"]
    assert set(row["baselines"]["programs"]) == {"adamw", "lion"}
    monkeypatch.setattr(catalog_commands, "tune_baselines", lambda *_: row["baselines"])
    facts = run_json(capsys, "tune", str(tmp_path / "two.yaml"))
    assert facts == {"tasks": [{"task": name, "baselines": row["baselines"]} for name in known]}
    assert main(["tune", str(tmp_path / "two.yaml")]) == 0
    assert capsys.readouterr().out.count("adamw: validation loss") == 2


MISTAKES = {
    "no command": (["fly"], "No such command 'fly'"),
    "an attribute": (["score", "attribute.py"], "attribute.py: line 2: an attribute"),
    "a lambda": (["score", "lambda.py"], "lambda.py: line 2: a lambda"),
    "an undefined variable": (["score", "undefined.py"], "undefined.py: line 2: undefined variable `rate`"),
    "a scalar update": (["score", "scalar.py"], "scalar.py: line 3: `update` must be a tree"),
    "a folder that cannot be made": (
        ["run", "small.yaml", "--out", "empty.py/x"],
        "folder `empty.py/x` cannot be created",
    ),
    "no such option": (["run", "small.yaml", "--ou", "x"], "--ou"),
    "config that is not there": (["run", "none.yaml"], "there is no config `none.yaml`"),
    "unknown key": (["run", "small.yaml", "--set", "search.childern=3"], "did you mean `children`"),
    "out of range": (["validate", "small.yaml", "--set", "search.population=0"], "`search.population` (=0)"),
    "broken YAML": (["run", "broken.yaml"], "is not valid YAML, line 1"),
    "unknown function": (["inspect", "unknown.py"], "unknown.py: line 2: unknown function `sgin`"),
    "a loop": (["score", "loop.py"], "loop.py: line 2: a loop is not part of the language"),
    "an import": (["score", "import.py"], "import.py: line 1: an import is not part of the language"),
    "empty program": (["inspect", "empty.py"], "empty.py: the program is empty"),
    "binary program": (["inspect", "binary.py"], "binary.py"),
    "program of the config": (["run", "small.yaml", "--set", "program=loop.py"], "loop.py: line 2: a loop"),
    "unknown task": (["score", "lion", "--task", "digit"], "unknown task `digit`; did you mean `digits`"),
    "unknown built-in": (["score", "lyon"], "did you mean `lion`"),
    "no seeds": (["score", "lion", "--seeds", "0"], "--seeds"),
    "folder of a run": (["run", "small.yaml", "--out", "held"], "`held` already holds a run; `optsearch resume held`"),
    "folder in use": (["run", "small.yaml", "--out", "full"], "`full` exists and is not an empty folder"),
    "folder of one's own config": (
        ["run", "own/config.yaml", "--out", "own"],
        "`own` exists and is not an empty folder",
    ),
    "out is a file": (["run", "small.yaml", "--out", "empty.py"], "`empty.py` exists and is not an empty folder"),
    "journal that is not one": (["resume", "held"], "is not a journal of optsearch"),
    "inspecting that": (["inspect", "held"], "is not a journal of optsearch"),
    "no run to resume": (["resume", "nowhere"], "there is no run folder `nowhere`"),
    "folder without a run": (["resume", "full"], "`full` is not a run folder"),
    "list of nothing": (["list", "dragons"], "dragons"),
    "task to tune": (["tune", "digit"], "unknown task `digit`"),
}


@pytest.mark.parametrize(("arguments", "message"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_one_line_status_2_and_nothing_half_made(
    arguments: list[str], message: str, small_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = small_run.parent
    for name, text in {
        "broken.yaml": "seed: [1",
        "unknown.py": "def train(w, g, m, v, lr):\n    update = sgin(g)\n    return update, m, v\n",
        "loop.py": "def train(w, g, m, v, lr):\n    for x in g: pass\n    return update, m, v\n",
        "import.py": "import os\n",
        "attribute.py": "def train(w, g, m, v, lr):\n    update = g.T\n    return update, m, v\n",
        "lambda.py": "def train(w, g, m, v, lr):\n    update = (lambda: g)()\n    return update, m, v\n",
        "undefined.py": "def train(w, g, m, v, lr):\n    update = g * rate\n    return update, m, v\n",
        "scalar.py": "def train(w, g, m, v, lr):\n    update = lr * 2\n    return update, m, v\n",
        "empty.py": "",
    }.items():
        (here / name).write_text(text)
    (here / "binary.py").write_bytes(b"\x00\xff\xfe")
    (here / "own").mkdir()
    (here / "own" / "config.yaml").write_text("tasks: [digits]  # mine\n")
    for folder, name in (("held", "journal.sqlite"), ("full", "notes.txt")):
        (here / folder).mkdir()
        (here / folder / name).write_text("something else")
    before = {path: path.read_bytes() for path in here.rglob("*") if path.is_file()}
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert "Traceback" not in captured.err
    assert {path: path.read_bytes() for path in here.rglob("*") if path.is_file()} == before
    assert not (here / "results").exists()


def test_without_a_command_the_help_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    shown = capsys.readouterr()
    assert "Commands:\n" in shown.out + shown.err


def test_a_folder_whose_run_never_began_can_be_used(small_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("begun").mkdir()
    Path("begun/.part-1-journal.sqlite").write_text("made")
    assert run_json(capsys, "run", str(small_run), "--out", "begun", "--set", "search.children=2")["children"] == 3
    assert not Path("begun/.part-1-journal.sqlite").exists()


def test_a_failure_is_one_line_and_status_1(
    small_run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the disk\nis on fire")

    monkeypatch.setattr(run_commands, "run_search", fail)
    assert main(["run", str(small_run)]) == 1
    error = capsys.readouterr().err
    assert "RuntimeError: the disk is on fire" in error
    assert error.count("\n") == 1
    monkeypatch.setenv("OPTSEARCH_TRACEBACK", "1")
    with pytest.raises(RuntimeError):
        main(["run", str(small_run)])


def test_numbers_that_json_cannot_say_become_null() -> None:
    assert plain({"a": [float("nan"), 1.0], "b": (float("inf"), "x")}) == {"a": [None, 1.0], "b": [None, "x"]}


def test_packages_of_the_same_name_from_elsewhere_are_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stray = type(sys)("simplify")
    stray.__file__ = "/somewhere/else/simplify/__init__.py"
    monkeypatch.setitem(sys.modules, "simplify", stray)
    assert main(["list", "programs"]) == 2
    assert "`simplify` was imported from /somewhere/else/simplify" in capsys.readouterr().err


def test_the_command_is_installed_under_its_name() -> None:
    assert cli.cli.name == "cli"
    assert (Path(sys.executable).parent / "optsearch").exists()
