"""Methods under one budget: curves that follow from the journal, figures, and refusals."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from primitives import UserError
from search.commands.main import cli
from search.commands.panel import LivePanel
from search.record.folder import open_journal
from search.running.method_comparison import COMPARISON, compare_methods
from search.running.method_curves import BEST_FIGURE, REDUNDANCY_FIGURE, Method
from search.settings.reading import read_config
from tests.test_search_engine import REFERENCE
from tests.test_search_journal import journal_of

CONFIGS = sorted((Path(__file__).resolve().parent.parent / "configs" / "compare").glob("*.yaml"))


def test_curves_follow_from_the_records(tmp_path: Path) -> None:
    with journal_of(tmp_path / "j") as journal:
        method = Method.of("one", journal, range(1), [0.5])
    scores = [score for candidate, score in REFERENCE if candidate.same_as is None]
    best = [min([s.fitness for s in scores[: n + 1] if s.status == "ok"]) for n in range(len(scores))]
    assert method.best.tolist() == [best]
    statements = sum(len(record.candidate.program.statements) for record in REFERENCE)
    live = sum(record.candidate.live for record in REFERENCE)
    assert method.redundant.tolist() == [[pytest.approx(1 - live / statements)]]
    assert method.hits.tolist() == [[pytest.approx(1 - len(scores) / len(REFERENCE))]]
    assert method.as_json()["best"] == [best[-1]]
    assert np.all(np.diff(method.as_json()["evaluations"]) > 0)


def size_of(figure: Path) -> tuple[int, int]:
    header = figure.read_bytes()[:24]
    assert header.startswith(b"\x89PNG")
    return struct.unpack(">II", header[16:])


def test_the_shipped_methods_are_compared_drawn_and_gone_on_with(small_run: Path) -> None:
    assert [path.stem for path in CONFIGS] == ["evolution", "random", "tree", "tune_constants"]
    overrides = [f"--set=search.{key}" for key in ("evaluations=12", "repeats=2", "population=6", "tournament=2")]
    overrides += ["--set=selection.seeds=2", "--set=evaluation.seeds=2", "--set=evaluation.first_seeds=1"]
    arguments = ["compare", *map(str, CONFIGS), "--out", "compared", *overrides, "--json"]
    facts = json.loads(CliRunner().invoke(cli, arguments, catch_exceptions=False).stdout)
    assert [method["method"] for method in facts["methods"]] == [path.stem for path in CONFIGS]
    for method in facts["methods"]:
        assert method["statistics"]["evaluated"] == 24
        assert len(method["best"]) == len(method["fresh"]) == 2
        with open_journal(Path("compared", method["method"])) as journal:
            assert journal.digest() == method["digest"]
    assert min(size_of(Path("compared", BEST_FIGURE))) > 300
    assert min(size_of(Path("compared", REDUNDANCY_FIGURE))) > 300
    assert json.loads(Path("compared", COMPARISON).read_text())["methods"] == facts["methods"]
    again = json.loads(CliRunner().invoke(cli, arguments, catch_exceptions=False).stdout)
    assert again == facts


def test_different_budgets_are_not_compared(small_run: Path) -> None:
    configs = {"a": read_config(small_run), "b": read_config(small_run, ["search.children=41"])}
    with (
        pytest.raises(
            UserError, match=r"^`b` has `search.children` = 41 and `a` 40; .* `--set search.children=…` sets this key"
        ),
        LivePanel(quiet=True) as progress,
    ):
        compare_methods(configs, Path("compared"), progress)
    assert not Path("compared").exists()


def test_a_folder_of_another_comparison_is_not_touched(small_run: Path) -> None:
    configs = {"a": read_config(small_run, ["search.children=2"])}
    with LivePanel(quiet=True) as progress:
        compare_methods(configs, Path("compared"), progress)
        before = Path("compared", COMPARISON).read_bytes()
        other = {"a": read_config(small_run, ["search.children=2", "seed=9"])}
        with pytest.raises(UserError, match="contains a run of another config; choose another folder with `--out`"):
            compare_methods(other, Path("compared"), progress)
    assert Path("compared", COMPARISON).read_bytes() == before


def test_a_stopped_comparison_goes_on(small_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configs = {name: read_config(small_run, ["search.children=3", f"seed={seed}"]) for seed, name in enumerate("ab")}
    monkeypatch.setattr("search.running.method_comparison.search_all", lambda *_: False)
    with LivePanel(quiet=True) as progress:
        with pytest.raises(KeyboardInterrupt):
            compare_methods(configs, Path("compared"), progress)
        monkeypatch.undo()
        methods = compare_methods(configs, small_run.parent / "compared", progress)
    assert [method.statistics["children"] for method in methods] == [4, 4]
