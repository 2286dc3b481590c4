"""Results of a run folder in Python: also where its summary cannot be used, and where it calls unknown functions."""

import json
import math
import sys
from pathlib import Path

import pytest

import optsearch
from optsearch import _display
from primitives import builtin
from search.record import JOURNAL, SUMMARY, Journal, look
from tests.recorded_runs import CONFIG, append_update, programs, record, recorded_run, records, summary, write_journal

CALL = "function_of_a_plugin(g)"


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"best": 3}', '{"complete": true, "best": {}}'])
def test_a_summary_that_is_none_is_named_and_the_best_is_that_of_the_journal(content: str, tmp_path: Path) -> None:
    run = optsearch.open(recorded_run(tmp_path / "run", 10))
    (run.folder / SUMMARY).write_text(content)
    with pytest.raises(optsearch.UserError, match="is not a summary"):
        _ = run.summary
    with pytest.warns(UserWarning, match=r"is not a summary.*; it is not used"):
        assert run.best.number == 7
    assert "is not a summary" in run._repr_html_()


def test_a_champion_of_an_earlier_state_of_the_search_is_not_the_best(tmp_path: Path) -> None:
    run = optsearch.open(recorded_run(tmp_path / "run", 10))
    (run.folder / SUMMARY).write_text(json.dumps(summary() | {"digest": run.digest}))
    assert run.best.number == 3
    with Journal.open(run.folder / JOURNAL) as journal:
        journal.append(0, [record(10, programs(11)[10], -1.0)])
    with pytest.warns(UserWarning, match="is of an earlier state of the search"):
        assert run.best.number == 10
    assert run.summary["digest"] != run.digest
    html = run._repr_html_()
    assert "is of an earlier state of the search" in html
    assert "candidate 10" in html


def test_a_champion_that_diverged_on_fresh_seeds_is_shown(tmp_path: Path) -> None:
    changed = summary()
    for row in changed["comparison"]:
        row |= {"log_ratio": None, "interval": [None, None]}
    changed["best"]["fitness"] = None
    best = optsearch.open(recorded_run(tmp_path / "run", 8, **changed)).best
    assert (best.fitness, best.fresh, best.percent()) == (math.inf, None, "diverged")


@pytest.fixture(params=["open", "ended"])
def of_a_plugin(request: pytest.FixtureRequest, tmp_path: Path) -> optsearch.Run:
    """A run whose best program calls a function of a plugin, before and after its end."""
    folder = tmp_path / "run"
    config = CONFIG | {"search": {"children": 40, "plugins": ["./my_functions"]}}
    write_journal(folder, list(records(10)), ended=request.param == "ended", config=config)
    append_update(folder, record(10, builtin("sgd"), -1.0), CALL)
    if request.param == "ended":
        text = f"def train(w, g, m, v, lr):\n    update = {CALL}\n    return update, m, v\n"
        changed = summary()
        changed["best"] |= {"program": text, "live": text}
        changed["simplified"] |= {"program": text}
        (folder / SUMMARY).write_text(json.dumps(changed))
    return optsearch.open(folder)


def test_a_program_of_a_plugin_is_shown_as_text(of_a_plugin: optsearch.Run) -> None:
    assert "2   -1.0000  –" in repr(of_a_plugin)
    html = of_a_plugin._repr_html_()
    best, _, front = html.partition("<h4>front")
    assert CALL in best.partition("<h4>best")[2]
    assert CALL in front


def test_a_program_of_a_plugin_as_a_value_needs_the_plugin(of_a_plugin: optsearch.Run) -> None:
    lion = optsearch.Found.of(next(iter(of_a_plugin.candidates.where("number == 10"))), builtin("lion"))
    for read in (lambda: of_a_plugin.best, lambda: of_a_plugin.front, lambda: of_a_plugin.lineage(lion)):
        with pytest.raises(optsearch.UserError, match="first import the plugins of the run: my_functions"):
            read()


def test_a_display_opens_the_journal_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = optsearch.open(recorded_run(tmp_path / "run", 10))
    opened: list[Path] = []

    def counted(folder: Path) -> Journal:
        opened.append(folder)
        return look(folder)

    monkeypatch.setattr(_display, "look", counted)
    monkeypatch.setattr("optsearch._run.look", None)
    assert run._repr_html_()
    assert repr(run)
    assert opened == [run.folder] * 2


def test_a_table_without_pandas_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(optsearch.UserError, match="a table needs pandas"):
        optsearch.open(recorded_run(tmp_path / "run", 10)).candidates.to_pandas()
