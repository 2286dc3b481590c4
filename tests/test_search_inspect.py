"""`inspect` of a run: answers first, queries, and tables for other programs."""

import csv
import json
import math
import sys
from pathlib import Path
from typing import Any

import pytest

import optsearch
from primitives import builtin, to_text
from search.commands.main import main
from search.record import BEST, SIMPLIFIED, SUMMARY, TABLE_COLUMNS, look
from search.report import report_run
from tests.recorded_runs import CONFIG, record, recorded_run, records, summary, write_journal


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recorded_run(tmp_path_factory.mktemp("inspect") / "found")


def inspect_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["inspect", *arguments, "--json"]) == 0
    return dict(json.loads(capsys.readouterr().out))


def test_inspect_answers_first_what_was_found_how_good_how_sure_and_from_where(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", str(run)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    order = [
        "The search found Lion",
        "On digits its test loss is 10.0 % lower than that of the tuned AdamW (95 % interval",
        "the interval excludes zero, so it is better",
        "Funnel, 1 stage",
        "It is candidate 3 of repeat 0",
        "update = sign(update)",
        "front: best program of each length",
        "ancestry: mutations",
        "best distinct programs",
        "digest",
    ]
    places = [shown.index(words) for words in order]
    assert places == sorted(places)


def test_the_lineage_is_that_of_the_champion_with_what_each_step_changed(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = inspect_json(capsys, str(run))
    assert [step["number"] for step in facts["lineage"]] == [0, 1, 2, 3]
    before, after = facts["lineage"][-2:]
    assert [line for sign, line in after["changes"] if sign != "+"] == before["live"]
    assert [line for sign, line in after["changes"] if sign != "-"] == after["live"]


def test_the_loss_against_adamw_leaves_out_the_price(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = CONFIG | {"evaluation": {"statement_price": 0.01, "slot_price": 0.1}}
    lion = builtin("lion")  # 7 statements, 1 slot: a price of 0.17
    write_journal(tmp_path / "priced", [record(0, lion, 0.17 + math.log(0.8))], config=config)
    (row,) = inspect_json(capsys, str(tmp_path / "priced"))["front"]
    assert math.expm1(row["log_ratio"]) == pytest.approx(-0.2)
    assert main(["inspect", str(tmp_path / "priced")]) == 0
    assert "-20.0 %" in capsys.readouterr().out
    assert optsearch.open(tmp_path / "priced").best.percent() == "20 % below AdamW"


def test_a_query_lists_its_candidates_best_first(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    facts = inspect_json(capsys, str(run), "--where", "uses:sign and length < 9", "--count", "3")
    with look(run) as journal:
        fitting = [row for row in journal.rows() if "sign" in row.program and row.live < 9]
    assert facts["matches"] == len(fitting) > 3
    assert [row["fitness"] for row in facts["candidates"]] == sorted(row.fitness for row in fitting)[:3]
    assert main(["inspect", str(run), "--where", "length <"]) == 2
    assert "query `length <` is not valid" in capsys.readouterr().err


def test_candidates_leave_as_csv_and_parquet(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import pandas as pd

    text, binary = tmp_path / "all.csv", tmp_path / "all.parquet"
    facts = inspect_json(capsys, str(run), "--csv", str(text), "--parquet", str(binary))
    assert facts["written"] == {str(text): 40, str(binary): 40}
    with look(run) as journal:
        expected = list(journal.rows())
    with text.open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    assert tuple(found[0]) == TABLE_COLUMNS
    assert [row["program"] for row in found] == [row.program for row in expected]
    assert [float(row["fitness"]) for row in found] == [row.fitness for row in expected]
    assert [json.loads(row["losses"]) for row in found] == [row.losses for row in expected]
    frame = pd.read_parquet(binary)
    assert list(frame["number"]) == [row.number for row in expected]
    assert list(frame["program"]) == [row.program for row in expected]
    assert list(frame["fitness"]) == [row.fitness for row in expected]


def test_parquet_without_pyarrow_is_one_clear_line(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert main(["inspect", str(run), "--parquet", str(tmp_path / "all.parquet")]) == 2
    assert "Parquet needs pyarrow: `pip install pyarrow`" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_queries_and_tables_are_for_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "lion", "--where", "length < 3"]) == 2
    assert "`lion` is a program" in capsys.readouterr().err


def kept_run(folder: Path, champion: str, number: int, *, ended: bool = True) -> Path:
    """A run folder without `summary.json`, with the files of a champion: a built-in program."""
    write_journal(folder, records(8), ended=ended)
    origin = f"Candidate {number} of repeat 0 with its constants tuned"
    line = f"# {origin}; fitness -0.1234 on seeds that the search did not use."
    text = to_text(builtin(champion)).replace("0.9)", "0.8)")
    for name in (BEST, SIMPLIFIED):
        (folder / name).write_text(f"{line}\n{text}")
    return folder


def test_a_run_that_is_kept_without_a_summary_has_the_champion_of_its_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = kept_run(tmp_path / "kept", "lion", 3)
    facts = inspect_json(capsys, str(folder))
    assert facts["answers"]["found"] == "The search found Lion"
    assert facts["answers"]["good"][0].startswith(
        "Fitness on the seeds by which it was chosen: −0.1234. The comparison"
    )
    assert "interp(g, m, 0.8)" in facts["answers"]["program"]
    assert [step["number"] for step in facts["lineage"]] == [0, 1, 2, 3]
    best = optsearch.open(folder).best
    assert (best.recognised, best.number, best.fitness) == ("lion", 3, -0.1234)
    page = report_run(folder).read_text(encoding="utf-8")
    assert "The search found Lion" in page
    assert f"optsearch export {folder} --to optax" in page


@pytest.mark.parametrize(("champion", "number"), [("signum", 3), ("lion", 300)])
def test_files_that_do_not_fit_the_journal_are_not_shown_as_its_champion(
    champion: str, number: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = kept_run(tmp_path / "other", champion, number)
    (sentence,) = inspect_json(capsys, str(folder))["answers"]["good"]
    assert sentence.startswith("The search has ended, but its champion was not chosen yet. Fitness in the search: ")
    with look(folder) as journal:
        assert optsearch.open(folder).best.number == journal.best(1)[0].number


def test_a_search_that_has_not_ended_has_no_champion_whatever_its_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = kept_run(tmp_path / "open", "lion", 3, ended=False)
    (sentence,) = inspect_json(capsys, str(folder))["answers"]["good"]
    assert sentence.startswith("The run has not ended. Fitness in the search: ")


def test_a_run_without_an_end_and_one_with_a_summary_that_is_none_are_inspected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_journal(tmp_path / "open", records(8), ended=False)
    assert main(["inspect", str(tmp_path / "open")]) == 0
    assert "The run has not ended" in capsys.readouterr().out
    (tmp_path / "open" / SUMMARY).write_text(json.dumps([summary()]))
    assert main(["inspect", str(tmp_path / "open")]) == 0
    assert "is not a summary" in " ".join(capsys.readouterr().out.split())
    write_journal(tmp_path / "empty", [], ended=False)
    assert main(["inspect", str(tmp_path / "empty")]) == 0
    assert "No program was trained on all seeds yet" in capsys.readouterr().out
