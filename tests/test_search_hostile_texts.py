"""Foreign text in files for other programs: Markdown, tables and shells show it and do not execute it."""

import csv
from pathlib import Path

import click
import pytest

from primitives import builtin, to_text
from search.claims import markdown
from search.commands.main import main
from search.commands.parameters import RUN, RUN_OR_PROGRAM
from search.record import JOURNAL, look, write_csv
from tests.recorded_runs import records, write_journal


def test_the_table_of_claims_shows_foreign_text_as_text() -> None:
    hostile = "<script>alert(1)</script> | x\n| y |\u202e ![i](http://x) \\"
    claim = dict.fromkeys(("claim", "paper", "ours", "answer", "limit"), hostile)
    table = markdown([{"claims": [claim]}])
    assert len(table.splitlines()) == 3
    row = table.splitlines()[-1]
    assert "<" not in row
    assert "\u202e" not in row
    assert row.replace("\\|", "").count("|") == 6
    assert "!\\[i\\](http" in row


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(1)", "'@SUM(1)"),
        (" \t=1", "' \t=1"),
        ("a\x1b[31m\u202e", "a\\x1b[31m\\u202e"),
        ("insert", "insert"),
        ("", ""),
    ],
)
def test_csv_holds_no_formula_and_no_control_character(text: str, cell: str, tmp_path: Path) -> None:
    write_journal(tmp_path / "run", records(3))
    with look(tmp_path / "run") as journal:
        rows = [row._replace(reason=text, fitness=-0.5) for row in journal.rows()]
    write_csv(rows, tmp_path / "rows.csv")
    with (tmp_path / "rows.csv").open(newline="", encoding="utf-8") as file:
        (first, *_) = csv.DictReader(file)
    assert first["reason"] == cell
    assert first["fitness"] == "-0.5"


def test_completion_offers_no_name_that_a_shell_or_a_command_would_read_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = ["plain-1", "$(touch PWNED)", "a b", "a;b", "`x`", "a\nb", "--trust"]
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / JOURNAL).touch()
    context = click.Context(click.Command("resume"))
    for kind in (RUN, RUN_OR_PROGRAM):
        offered = [item.value for item in kind.shell_complete(context, click.Argument(["run"]), "")]
        assert [name for name in names if name in offered] == ["plain-1"]
    (tmp_path / "$(touch PWNED)" / "deep").mkdir()
    (tmp_path / "$(touch PWNED)" / "deep" / JOURNAL).touch()
    (item,) = RUN.shell_complete(context, click.Argument(["run"]), "$")
    assert (item.value, item.type) == ("$", "dir")


def test_export_does_not_follow_a_link_in_a_run_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.py").write_text(to_text(builtin("lion")))
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "simplified.py").symlink_to(tmp_path / "mine.py")
    assert main(["export", str(tmp_path / "run"), "--to", "python"]) == 2
    assert "simplified.py` is a link" in capsys.readouterr().err
