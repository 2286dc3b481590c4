"""Looking at what a stranger sends runs no code; doing runs what is named, after saying so, and asks first."""

import json
import stat
from pathlib import Path

import pytest
from platformdirs import user_state_path

from search.commands.main import main
from search.record import candidate_table
from search.record.folder import JOURNAL, open_journal
from search.record.journal import Journal
from search.running.open_run import config_of, existing_run, new_run
from search.settings.reading import read_config
from tests.test_search_commands import run_json
from tests.test_search_engine import REFERENCE

RUNS = "from pathlib import Path\nPath('ran').touch()\n"
PLUGIN = RUNS + (
    "from primitives import ANY, Primitive, register\n"
    "register(Primitive('halved_by_a_stranger', lambda x: x / 2, (ANY,)))\n"
)
TASK = RUNS + "from proxy_tasks import register_family\n@register_family\ndef task(task):\n    raise KeyError\n"
PROGRAM = "def train(w, g, m, v, lr):\n    update = halved_by_a_stranger(g)\n    return update, m, v\n"
TUNED = "tuned: {adamw: [0.9, 0.95, 0.1, 0.01], lion: [0.9, 0.95, 0.3, 0.01], noise: 0.1}"
CONFIG = f"""
program: mine.py
tasks: [digits, {{name: theirs, family: 'task_of_a_stranger:task', {TUNED}}}]
search: {{plugins: [plugin_of_a_stranger], children: 2, population: 2, tournament: 1}}
"""


@pytest.fixture
def sent(small_run: Path, own_registry: None) -> Path:
    """The working directory with a run folder `run` and a config `theirs.yaml`, both of which name modules in it."""
    here = small_run.parent
    with new_run(read_config(small_run), here / "run") as opened:
        opened.journal.append(0, REFERENCE[:3])
        meta = opened.journal.meta()
    meta["config"]["search"]["plugins"] = ["../plugin_of_a_stranger"]
    (here / "run" / JOURNAL).unlink()
    with pytest.MonkeyPatch.context() as patch, Journal.create(here / "run" / JOURNAL, meta) as journal:
        patch.setattr(candidate_table, "to_text", lambda program: PROGRAM)
        journal.append(0, REFERENCE[:3])
    (here / "plugin_of_a_stranger.py").write_text(PLUGIN)
    (here / "task_of_a_stranger.py").write_text(TASK)
    (here / "theirs.yaml").write_text(CONFIG)
    (here / "mine.py").write_text(PROGRAM)
    return here


LOOKING = {
    "inspect a run": ["inspect", "run"],
    "inspect the run that one is in": ["inspect", "."],
    "inspect a program": ["inspect", "mine.py"],
    "validate": ["validate", "theirs.yaml"],
    "export": ["export", "mine.py", "--to", "python"],
    "list": ["list", "tasks"],
}


@pytest.mark.parametrize("arguments", LOOKING.values(), ids=LOOKING.keys())
def test_looking_imports_nothing_that_a_file_names_and_leaves_everything_as_it_is(
    arguments: list[str], sent: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if arguments == ["inspect", "."]:
        monkeypatch.chdir(sent / "run")
    before = {path: path.read_bytes() for path in sent.rglob("*") if path.is_file()}
    assert main(arguments) in (0, 2)
    assert {path: path.read_bytes() for path in sent.rglob("*") if path.is_file()} == before
    assert "Traceback" not in capsys.readouterr().err


def test_what_cannot_be_said_without_a_plugin_says_so_and_trust_loads_it(
    sent: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = run_json(capsys, "inspect", "run")
    assert facts["programs"][0]["program"] == PROGRAM
    assert "unknown function `halved_by_a_stranger`" in facts["notes"][0]
    assert "`--trust` loads the plugins of the run (plugin_of_a_stranger)" in facts["notes"][0]
    assert main(["inspect", "run"]) == 0
    assert "halved_by_a_stranger" in capsys.readouterr().out
    assert not (sent / "ran").exists()
    assert main(["inspect", "run", "--trust", "--json"]) == 0
    shown = capsys.readouterr()
    assert f"importing `plugin_of_a_stranger` ({sent}/plugin_of_a_stranger.py)" in shown.err
    assert json.loads(shown.out)["notes"] == []
    assert (sent / "ran").exists()


def test_validate_lists_what_it_did_not_check_and_trust_checks_it(
    sent: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unchecked = run_json(capsys, "validate", "theirs.yaml")["unchecked"]
    assert [sentence for sentence in unchecked if "plugin_of_a_stranger" in sentence]
    assert "task `theirs` was not built" in unchecked
    assert [sentence for sentence in unchecked if "halved_by_a_stranger" in sentence]
    assert main(["validate", "theirs.yaml", "--set", "program=adamw", "--set", "search.plugins=[]"]) == 0
    assert main(["validate", "theirs.yaml", "--trust"]) == 2
    assert "`task_of_a_stranger:task` failed: KeyError" in capsys.readouterr().err.replace(f"{sent}/", "")


def test_a_config_cannot_raise_the_limit_on_memory_for_data_without_trust(
    small_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (small_run.parent / "no.npz").write_text("none")
    task = "{name: theirs, family: classification, data: no.npz, data_limit: 1025}"
    arguments = ["validate", str(small_run), "--set", f"tasks=[{task}]"]
    assert run_json(capsys, *arguments)["unchecked"] == [
        "task `theirs` was not built, since its `data_limit` is above 1024"
    ]
    assert main([*arguments, "--trust"]) == 2
    assert "an .npz file with `x` and `y` is needed" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["resume", "select"])
def test_a_run_from_elsewhere_is_not_resumed_without_trust(
    command: str, sent: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "run"]) == 2
    error = capsys.readouterr().err
    assert "`run` was not started by this account, or was moved, and would import `plugin_of_a_stranger`" in error
    assert f"({sent}/plugin_of_a_stranger.py)" in error
    assert not (sent / "ran").exists()
    with existing_run(Path("run"), trust=True):
        assert (sent / "ran").exists()
    with existing_run(Path("run")):
        pass  # it was trusted before


def test_the_address_of_a_cluster_is_never_taken_from_a_journal(small_run: Path) -> None:
    config = read_config(small_run, ["workers.executor=ray", "workers.address=203.0.113.1:6379"])
    with new_run(config, Path("run")) as opened:
        assert opened.journal.meta()["config"]["workers"]["address"] == "203.0.113.1:6379"
        assert config_of(opened.journal, opened.folder).workers.address is None
        assert config_of(opened.journal, opened.folder).workers.executor == "ray"


def test_a_run_that_began_on_this_account_is_resumed_without_asking_unless_it_was_moved(
    small_run: Path, capsys: pytest.CaptureFixture[str], own_registry: None
) -> None:
    (small_run.parent / "plugin_of_ones_own.py").write_text("")
    run_json(
        capsys, "run", str(small_run), "--set", "search.plugins=[plugin_of_ones_own]", "--set", "search.children=2"
    )
    assert "../../plugin_of_ones_own" in json.dumps(open_journal(Path("results/small")).meta())
    assert str(small_run.parent) not in Path("results/small/config.yaml").read_text()
    notes = list((user_state_path("optsearch") / "runs").iterdir())
    assert notes
    assert all(stat.S_IMODE(note.stat().st_mode) == 0o600 for note in notes)
    assert main(["resume", "results/small"]) == 0
    Path("results/small").rename("results/moved")
    assert main(["resume", "results/moved"]) == 2
    assert "`results/moved` was not started by this account, or was moved" in capsys.readouterr().err
    assert main(["resume", "results/moved", "--trust"]) == 0
    assert main(["resume", "results/moved"]) == 0


def test_a_run_from_elsewhere_that_names_no_code_is_resumed(
    small_run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_json(capsys, "run", str(small_run), "--set", "search.children=2")
    monkeypatch.setenv("XDG_STATE_HOME", str(small_run.parent / "of somebody else"))
    assert main(["resume", "results/small"]) == 0


def test_a_run_says_which_file_it_imports(
    small_run: Path, capsys: pytest.CaptureFixture[str], own_registry: None
) -> None:
    plugin = small_run.parent / "announced_plugin.py"
    plugin.write_text("raise SystemExit(0)\n")
    assert main(["run", str(small_run), "--set", "search.plugins=[announced_plugin]"]) == 2
    error = capsys.readouterr().err
    assert f"importing `announced_plugin` ({plugin}), which the config names" in error
    assert "cannot be imported: SystemExit: 0" in error


@pytest.mark.parametrize("name", ["../x/mod", "/tmp/mod", "./mod", "a b", "os; import x", ""])
def test_plugins_are_named_and_never_given_by_path(
    name: str, small_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate", str(small_run), "--set", f"search.plugins=[{json.dumps(name)}]"]) == 2
    assert "must be the name of a module, such as `my_module`, and not a path" in capsys.readouterr().err


def test_workers_selection_and_children_can_be_changed_on_resume_and_nothing_else(
    small_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    digest = run_json(capsys, "run", str(small_run), "--set", "search.children=3")["digest"]
    assert run_json(capsys, "resume", "results/small", "--set", "workers.wall_limit=9.0")["digest"] == digest
    for setting in ("seed=4", "workers.in_flight=2", "search.population=9"):
        assert main(["resume", "results/small", "--set", setting]) == 2
        assert "a resumed run keeps its settings, except for `search.children`" in capsys.readouterr().err
    assert main(["resume", "results/small", "--set", "search.children=2"]) == 2
    assert "must be at least 3, as the run has it now" in capsys.readouterr().err
    assert main(["resume", "results/small", "--set", "search.children=9", "--set", "selection.check_every=2"]) == 2
    assert "the checks in `selection` are part of the search" in capsys.readouterr().err
    again = run_json(capsys, "resume", "results/small", "--set", "selection.seeds=3")
    assert (again["digest"], again["statistics"]["children"]) == (digest, 4)
    assert {len(row["per_seed"]) for row in again["comparison"]} == {3}
    assert read_config(Path("results/small/config.yaml")).selection.seeds == 3
