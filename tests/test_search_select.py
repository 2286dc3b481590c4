"""The funnel of a run: killed and resumed it ends alike, and its last table comes out of the journal again."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from primitives import UserError
from search.commands.main import main
from search.commands.panel import LivePanel
from search.record.folder import open_journal
from search.running import run as runner
from search.running import setup as evaluation
from search.settings.loading import load_config
from search.settings.reading import build_config, read_config
from search.settings.selection import DEFAULT_STAGES
from selection.trials import Trial
from tests.conftest import SMALL_RUN
from tests.processes import begin, finished, wait_for_rows

STAGE = {"programs": 2, "budget": 3, "tuning_seeds": 1, "seeds": 5, "tunings": 2}
SELECTION = {"finalists": 3, "leaders": 2, "seeds": 2, "tuning_trials": 3, "baselines": ["adamw", "sgd"]}


def write_staged(path: Path) -> Path:
    """Add a stage on a task of the user's own, which is larger than the digits but trains fast, to a config."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(400, 8)).astype(np.float32)
    np.savez(path.parent / "rows.npz", x=x, y=(x[:, 0] + x[:, 1] > 0).astype(int))
    task = {"name": "rows", "family": "classification", "data": "rows.npz", "batch": 32, "steps": 300,
            "settings": {"hidden": [400]}}  # fmt: skip
    config = yaml.safe_load(SMALL_RUN) | {"selection": {**SELECTION, "stages": [{"tasks": [task], **STAGE}]}}
    path.write_text(yaml.safe_dump(config))
    return path


@pytest.fixture
def staged(small_run: Path) -> Path:
    """The config of a run with such a stage, in an empty working directory."""
    return write_staged(small_run)


@pytest.fixture(scope="module")
def inline(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The summary of that run, undisturbed in one process."""
    folder = tmp_path_factory.mktemp("inline")
    return finished(begin("run", str(write_staged(folder / "small.yaml")), "--out", str(folder / "run"), "--json"))


def trials(journal: Path) -> int:
    try:
        with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as connection:
            return int(connection.execute("select count(*) from trials").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def facts(summary: dict[str, Any]) -> dict[str, Any]:
    """What has to be the same, however the run went."""
    return {key: summary[key] for key in ("digest", "stages", "table", "best", "comparison", "simplified", "winner")}


def test_a_funnel_that_is_killed_again_and_again_ends_alike_and_can_be_shown_again(
    staged: Path, inline: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert inline["trained"] > 50
    process, folder = begin("run", str(staged), "--out", "killed", "--json"), Path("killed")
    for share in (0.2, 0.5, 0.8):
        while process.poll() is None and trials(folder / "journal.sqlite") < share * inline["trained"]:
            time.sleep(0.01)
        assert process.poll() is None
        process.kill()
        process.communicate()
        process = begin("resume", str(folder), "--json")
    assert facts(finished(process)) == facts(inline)

    def refused(trial: Trial) -> np.ndarray:
        raise AssertionError("nothing has to be trained")

    monkeypatch.setattr(Trial, "losses", refused)
    with LivePanel(quiet=True) as progress:
        shown = runner.select_champion(folder, progress)
    assert shown.trained == 0
    assert facts(shown.as_json(folder))["table"] == [
        row | {"interval": tuple(row["interval"]), "per_seed": tuple(row["per_seed"])} for row in inline["table"]
    ]


def test_a_funnel_on_ray_is_the_funnel_inline(staged: Path, inline: dict[str, Any]) -> None:
    on_ray = ["--set=workers.executor=ray", "--set=workers.count=2"]
    assert facts(finished(begin("run", str(staged), "--out", "ray", "--json", *on_ray))) == facts(inline)


def test_a_worker_with_other_data_of_a_stage_is_told_apart(staged: Path) -> None:
    before = evaluation.facts(read_config(staged))
    rows = dict(np.load(staged.parent / "rows.npz"))
    np.savez(staged.parent / "other.npz", x=rows["x"] + 1, y=rows["y"])
    staged.write_text(staged.read_text().replace("rows.npz", "other.npz"))
    after = evaluation.facts(read_config(staged))
    assert {key for key in before if before[key] != after[key]} == {"larger tasks"}


def test_what_the_funnel_says(staged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(staged), "--out", "run"]) == 0
    out = capsys.readouterr().out
    assert "stage 1, rows: tuned 2 times with 3 trials, scored on 5 fresh seeds" in out
    assert "last stage on the test split, on other seeds" in out
    for name in ("program 1", "program 2", "adamw", "sgd"):
        assert name in out


def test_select_holds_other_stages_and_remembers_them(staged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with LivePanel(quiet=True) as progress:
        before = runner.run_search(read_config(staged, ["selection.stages=[]"]), Path("run").resolve(), progress)
        assert before.funnel is None
        stages = yaml.safe_load(staged.read_text())["selection"]["stages"]
        held = runner.select_champion(
            Path("run"), progress, overrides=[f"selection.stages={yaml.safe_dump(stages, default_flow_style=True)}"]
        )
        assert held.funnel is not None
        assert held.digest == before.digest
        again = runner.resume_search(Path("run"), progress)
    assert again.trained == 0
    assert again.funnel is not None
    assert again.funnel.table == held.funnel.table
    assert yaml.safe_load(Path("run/config.yaml").read_text())["selection"]["stages"][0]["tasks"][0]["name"] == "rows"


def test_without_stages_select_holds_two_of_ten_and_a_hundred_times_the_size() -> None:
    assert [(stage.size, stage.programs) for stage in DEFAULT_STAGES] == [(10, 6), (100, 3)]


def test_a_search_that_has_not_ended_has_no_funnel(staged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    process = begin("run", str(staged), "--out", "run")
    wait_for_rows(Path("run/journal.sqlite"), 3, process)
    process.kill()
    process.communicate()
    assert main(["select", "run"]) == 2
    assert capsys.readouterr().err == (
        "optsearch: the search in `run` has not ended; `optsearch resume run` continues it\n"
    )
    with open_journal(Path("run")) as journal:
        assert journal.trials() == {}


def test_only_selection_and_workers_can_be_set_once_the_search_is_over(
    staged: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with LivePanel(quiet=True) as progress:
        runner.run_search(read_config(staged), Path("run").resolve(), progress)
    before = Path("run/summary.json").read_text()
    assert main(["select", "run", "--set", "search.children=99"]) == 2
    assert "only keys of `selection` and `workers` can be set" in capsys.readouterr().err
    assert main(["select", "run", "--set", "selection.stages=[{size: 10, programs: 9}]"]) == 2
    assert "takes 9 programs, but only 2 come from `selection.leaders`" in capsys.readouterr().err
    assert Path("run/summary.json").read_text() == before


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ("[{size: 100, programs: 2}, {size: 10, programs: 2}]", "`selection.stages.1` trains no longer than stage 0"),
        ("[{tasks: [digits]}]", "`selection.stages.0` trains no longer than the search; stages have to grow"),
        ("[{size: 50}]", "there is no task `digits_x50` for `selection.stages`; it comes in 10 and 100 times the size"),
        ("[{size: 10, budget: 1, tuning_seeds: 2}]", "`budget` .=1. is too small for one trial on `tuning_seeds` .=2."),
        ("[{size: 10, budget: 0}]", "selection.stages.0.budget"),
        ("[{size: 10, seeds: 4}]", "the last of `selection.stages` has 4 seeds; it needs at least 5"),
        (
            "[{size: 10, programs: 2}, {size: 100, programs: 3}]",
            "takes 3 programs, but only 2 come from the stage before",
        ),
        ("[{programs: 2}]", "a stage has either `size` or `tasks`"),
        ("[{size: 10, wide: 2}]", "unknown key `selection.stages.0.wide`"),
    ],
)
def test_stages_that_make_no_sense_are_refused_before_anything_begins(
    small_run: Path, stages: str, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        load_config(read_config(small_run, [f"selection.stages={stages}"]))


def test_a_family_without_the_larger_size_is_named(staged: Path) -> None:
    task = yaml.safe_load(staged.read_text())["selection"]["stages"][0]["tasks"][0] | {"tuned": None, "steps": 20}
    overrides = [f"tasks=[{yaml.safe_dump(task, default_flow_style=True).strip()}]", "selection.stages=[{size: 10}]"]
    with pytest.raises(UserError, match=r"there is no task `rows_x10` .* give the stage `tasks` of its own"):
        read_config(staged, overrides)


@pytest.mark.parametrize(
    ("baselines", "message"),
    [("[adam]", "must have `adamw` among them"), ("[adamw, lyon]", "unknown optimizer `lyon`")],
)
def test_baselines_are_known_and_have_adamw_among_them(small_run: Path, baselines: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_config(small_run, [f"selection.baselines={baselines}", "selection.stages=[{size: 10}]"])


def test_rounds_need_a_trial_each() -> None:
    with pytest.raises(UserError, match="4 `tuning_rounds` need `tuning_trials` of at least 8"):
        build_config({"selection": {"tuning_rounds": 4, "tuning_trials": 7}})
    build_config({"selection": {"tuning_rounds": 4, "tuning_trials": 8}})
