"""A config in a run folder of others names code and a cluster that the journal does not: neither is used unasked."""

from pathlib import Path

import pytest

from search.commands.main import main
from search.record import JOURNAL, look
from search.report.facts import gather
from search.report.page import html
from search.running import read_checked_config
from search.running.open_run import new_run
from search.settings import read_config
from tests.recorded_runs import recorded_run
from tests.test_search_commands import run_json

CODE = "from pathlib import Path\nPath('ran').touch()\n"


@pytest.fixture
def foreign(small_run: Path, own_registry: None) -> Path:
    """A run folder whose config names a module that the journal does not name."""
    folder = small_run.parent / "foreign"
    with new_run(read_config(small_run), folder):
        pass
    (folder / "config.yaml").write_text(small_run.read_text().replace("children", "plugins: [module_of_it], children"))
    (folder / "module_of_it.py").write_text(CODE)
    return folder


@pytest.mark.parametrize(
    "command",
    [
        ["run"],
        ["compare"],
        ["tune"],
        ["score", "lion", "--task"],
        ["simplify", "lion", "--task"],
        ["reproduce", "lion", "--config"],
    ],
    ids=" ".join,
)
def test_a_config_in_a_run_folder_of_others_imports_nothing_without_trust(
    command: list[str], foreign: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, str(foreign / "config.yaml")]) == 2
    error = capsys.readouterr().err
    assert f"`{foreign}/config.yaml` lies in a run folder that was not started by this account" in error
    assert f"would import `module_of_it` ({foreign}/module_of_it.py)" in error
    assert not Path("ran").exists()


def test_claims_check_the_configs_of_their_searches(foreign: Path, capsys: pytest.CaptureFixture[str]) -> None:
    claims = foreign.parent / "claims.yaml"
    claims.write_text("searches: [foreign/config.yaml]\n")
    assert main(["reproduce", "claims", "--config", str(claims)]) == 2
    assert "lies in a run folder that was not started by this account" in capsys.readouterr().err
    assert not Path("ran").exists()


def test_trust_imports_it_and_a_journal_that_is_none_is_not_trusted(
    foreign: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (foreign / JOURNAL).write_text("")
    arguments = ["score", "lion", "--seeds", "1", "--task", str(foreign / "config.yaml")]
    assert main(arguments) == 2
    assert "check this code, then continue with `--trust`" in capsys.readouterr().err
    assert main([*arguments, "--trust"]) == 0
    assert Path("ran").exists()


def test_a_config_of_a_run_of_this_account_is_run_again_without_a_question(
    small_run: Path, capsys: pytest.CaptureFixture[str], own_registry: None
) -> None:
    (small_run.parent / "module_of_this_account.py").write_text("")
    config = read_config(small_run, ["search.plugins=[module_of_this_account]"])
    with new_run(config, Path("own")):
        pass
    assert read_checked_config(Path("own/config.yaml")) == config
    Path("own").rename("moved")
    assert main(["run", "moved/config.yaml"]) == 2
    assert "was moved or changed" in capsys.readouterr().err


def test_the_address_of_a_cluster_in_a_run_folder_is_not_used(foreign: Path) -> None:
    path = foreign / "config.yaml"
    path.write_text("tasks: [digits]\nworkers: {executor: ray, address: '203.0.113.1:6379'}\n")
    said: list[str] = []
    assert read_checked_config(path, say=said.append).workers.address is None
    assert "is not used; `--set workers.address=HOST:PORT` selects a cluster" in said[0]
    chosen = read_checked_config(path, ["workers.address=10.0.0.1:6379"], say=said.append)
    assert chosen.workers.address == "10.0.0.1:6379"
    (foreign / JOURNAL).unlink()
    assert read_checked_config(path, say=said.append).workers.address == "203.0.113.1:6379"
    assert len(said) == 1


def test_the_report_shows_no_command_that_runs_a_config_other_than_that_of_the_journal(
    small_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_json(capsys, "run", str(small_run), "--set", "search.children=2", "--out", "own")
    folder = Path("own")

    def page() -> str:
        with look(folder) as journal:
            return html(gather(folder, journal))

    assert "optsearch run own/config.yaml" in page()
    assert main(["resume", "own", "--set", "workers.wall_limit=9.0", "--set", "search.children=3"]) == 0
    assert "optsearch run own/config.yaml" in page()
    path = folder / "config.yaml"
    path.write_text(path.read_text().replace("plugins: []", "plugins: [module_of_it]"))
    assert "optsearch run" not in page()
    assert "differs from the config in the journal" in page()


def test_the_report_of_a_folder_without_a_config_shows_no_command_that_needs_it(tmp_path: Path) -> None:
    folder = recorded_run(tmp_path / "run")
    with look(folder) as journal:
        assert "optsearch run" not in html(gather(folder, journal))
