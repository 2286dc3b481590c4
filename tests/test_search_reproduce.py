"""The account of a repeated discovery: what counts as success, and that it goes on where it stopped."""

import json
from pathlib import Path

import pytest

from benchmarks.lion_report import ACCOUNT, PAGE, TABLES, keep, kept, written
from primitives import Program, UserError, builtin, parse, to_text
from search.commands.main import main
from search.commands.reproduce import config_of_target
from search.record import JOURNAL, SUMMARY, look
from search.running import TARGETS
from selection.derivation import derive
from tests.processes import ROOT
from tests.programs import train

LION, ADAM = TARGETS["lion"], TARGETS["adam"]
LION_WITHOUT_DECAY = train("u = interp(g, m, 0.9)", "m = interp(g, m, 0.99)", "u = sign(u)", "update = u * lr")


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        (builtin("lion"), 3),
        (builtin("lion_raw"), 3),
        (LION_WITHOUT_DECAY, 2),
        (builtin("signum"), 1),
        (builtin("adamw"), 0),
        (train("update = sign(g)", "update = update * lr"), 0),
        (train("m = m + g", "u = m * 0.1", "update = sin(u)"), 0),
    ],
    ids=["lion", "lion_raw", "no decay", "signum", "adamw", "signsgd", "unknown"],
)
def test_levels_say_how_much_of_lion_there_is(program: Program, expected: int) -> None:
    assert LION.level(derive(program)) == expected
    assert LION.highest == 3


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sgd", 0),
        ("momentum", 1),
        ("rmsprop", 1),
        ("adam", 2),
        ("adamw", 2),
        ("adabelief", 0),
        ("lion", 0),
    ],
)
def test_levels_say_how_much_of_adam_there_is(name: str, expected: int) -> None:
    found = derive(builtin(name))
    assert ADAM.level(found) == expected
    assert ADAM.reached(found) == (expected == ADAM.highest)


def test_lion_but_for_a_remainder_has_its_level_and_is_no_success() -> None:
    found = derive(builtin("lion_raw"))  # exactly, so that the clips stay
    assert found.recognised is None
    assert not LION.reached(found)
    assert LION.reached(derive(builtin("lion")))
    assert not LION.reached(derive(LION_WITHOUT_DECAY))
    assert not LION.reached(derive(builtin("signum")))


def test_a_reproduction_is_accounted_for_and_goes_on(small_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["reproduce", "lion", "--config", str(small_run), "--out", "account", "--seeds"]
    assert main([*command, "1", "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert main([*command, "2", "--json"]) == 0
    both = json.loads(capsys.readouterr().out)
    assert (first["seeds"], both["seeds"]) == (1, 2)
    assert both["runs"][0] | {"seconds": 0} == first["runs"][0] | {"seconds": 0}
    assert both["runs"][1]["digest"] != both["runs"][0]["digest"]
    assert both["successes"] == sum(row["success"] for row in both["runs"])
    assert json.loads(Path("account/summary.json").read_text()) == both
    row = both["runs"][1]
    assert row["seconds"] > 0
    assert (row["seed"], row["children"]) == (2, 41)
    assert parse(row["raw"])
    assert parse(row["simplified"])
    assert {loss["program"] for loss in row["losses"]} - {"simplified"} == {"found", "adamw (tuned)", "lion (tuned)"}
    assert all(len(loss["per_seed"]) == len(row["losses"][0]["per_seed"]) for loss in row["losses"])
    assert (Path("account/seed-2") / "optax_export.py").exists()
    assert [entry["candidate"] for entry in row["course"]] == sorted(entry["candidate"] for entry in row["course"])
    fitnesses = [entry["fitness"] for entry in row["course"]]
    assert fitnesses == sorted(fitnesses, reverse=True)
    assert row["course"][0] | {"fitness": 0} == {
        "candidate": 0,
        "fitness": 0,
        "level": 0,
        "success": False,
        "what": derive(builtin("adamw")).verdict,
        "program": to_text(derive(builtin("adamw")).program),
    }
    assert main([*command, "1", "--set", "search.children=50", "--json"]) == 0  # extends the run
    extended = json.loads(capsys.readouterr().out)["runs"][0]
    assert extended["children"] == 51
    assert extended["course"][: len(first["runs"][0]["course"])] == first["runs"][0]["course"]


def test_a_folder_with_a_run_of_another_config_is_refused(small_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["reproduce", "lion", "--config", str(small_run), "--out", "account", "--seeds", "1"]
    assert main(command) == 0
    before = Path("account/summary.json").read_text()
    capsys.readouterr()
    for change in ("search.children=39", "search.population=3", "evaluation.seeds=3"):
        assert main([*command, "--set", change]) == 2
        assert "`account/seed-1` contains a run of another config" in capsys.readouterr().err.splitlines()[-1]
    assert Path("account/summary.json").read_text() == before


def test_chosen_seeds_join_the_summary_of_the_runs_with_the_same_config(
    small_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def seeds(*options: str) -> list[int]:
        assert main(["reproduce", "lion", "--config", str(small_run), "--out", "account", "--json", *options]) == 0
        facts = json.loads(capsys.readouterr().out)
        assert json.loads(Path("account/summary.json").read_text()) == facts
        assert facts["seeds"] == len(facts["runs"]) == len(facts["levels"])
        return [row["seed"] for row in facts["runs"]]

    assert seeds("--seed", "5") == [5]
    assert seeds("--seed", "3", "--seed", "4") == [3, 4, 5]
    keep(Path("account"), Path("kept") / SUMMARY)
    for number in (3, 5):
        with kept(Path("kept", f"seed-{number}")) as journal, look(Path("account", f"seed-{number}")) as same:
            assert journal.digest() == same.digest()
    (Path("account/seed-4") / JOURNAL).unlink()
    assert seeds("--seed", "5") == [3, 5]  # the run of seed 4 is gone
    assert seeds("--seed", "6", "--set", "search.children=39") == [6]  # those of another config are left out


def test_a_summary_of_something_else_is_refused_before_the_runs(
    small_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("account").mkdir()
    for text in ("", "[]", '{"runs": [1]}', '{"runs": {}, "seeds"'):
        Path("account/summary.json").write_text(text)
        assert main(["reproduce", "lion", "--config", str(small_run), "--out", "account"]) == 2
        assert "`account/summary.json` is not the summary of a reproduction" in capsys.readouterr().err
        assert [path.name for path in Path("account").iterdir()] == ["summary.json"]


def test_a_folder_with_another_selection_is_concluded_again(
    small_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["reproduce", "lion", "--config", str(small_run), "--seeds", "1", "--json", "--set"]
    assert main([*command, "selection.tuning_trials=3", "--out", "account"]) == 0
    before = json.loads(capsys.readouterr().out)["runs"][0]
    changes = ["selection.tuning_trials=6", "--set", "selection.tuning_rounds=2", "--set", "selection.seeds=3"]
    assert main([*command, *changes, "--out", "account"]) == 0
    after = json.loads(capsys.readouterr().out)["runs"][0]
    assert main([*command, *changes, "--out", "other"]) == 0
    other = json.loads(capsys.readouterr().out)["runs"][0]
    assert (before["tuning_trials"], before["tuning_rounds"]) == (3, 1)
    assert (after["tuning_trials"], after["tuning_rounds"]) == (6, 2)
    assert before["digest"] == after["digest"]
    assert after | {"seconds": 0} == other | {"seconds": 0}


def test_the_config_of_a_target_is_the_shipped_one_or_an_error(
    small_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert config_of_target("lion") == ROOT / "configs" / "lion.yaml"
    with pytest.raises(UserError, match="`--config` must name a config"):
        config_of_target("tiger")
    assert main(["reproduce", "tiger"]) == 2
    assert "'tiger' is not" in capsys.readouterr().err


@pytest.mark.parametrize("account", TABLES, ids=lambda account: account.parent.name)
def test_the_kept_journals_are_intact_and_have_the_digests_of_the_account(account: Path) -> None:
    for run in json.loads(account.read_text(encoding="utf-8"))["runs"]:
        with kept(account.parent / f"seed-{run['seed']}") as journal:
            journal.verify()
            assert journal.digest() == run["digest"]
            assert journal.statistics()["children"] == run["children"]


def test_the_tables_in_the_docs_are_those_of_the_accounts() -> None:
    page, account = PAGE.read_text(encoding="utf-8"), json.loads(ACCOUNT.read_text(encoding="utf-8"))
    assert page == written(page)
    assert len(account["runs"]) == account["seeds"] == len(account["levels"])
    assert account["successes"] == sum(run["success"] for run in account["runs"])
