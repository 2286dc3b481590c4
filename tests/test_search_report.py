"""The report as text: what it says, what it leaves out, and that it shows foreign text as text."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import optsearch
from primitives import UserError, builtin
from search.commands.main import main
from search.engine.candidate import Record
from search.record import (
    JOURNAL,
    REPORT,
    SUMMARY,
    Journal,
    ancestry,
    differences,
    look,
    other_children,
    read_summary,
)
from search.report import report_run, wording
from search.report.history import BINS, POINTS, history
from search.running import run_facts
from search.running.studies import scaled
from tests.recorded_runs import append_update, programs, record, recorded_run, records, summary, write_journal

HOSTILE = "</style></script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 2'>\u202e\x1b[31m"


class _Page(HTMLParser):
    """Tags of a page, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.figures: list[str] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "svg":
            self.figures.append(str(dict(attrs)["id"]))

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recorded_run(tmp_path_factory.mktemp("report") / "found")


@pytest.fixture(scope="module")
def page(run: Path) -> str:
    return optsearch.open(run).report().read_text(encoding="utf-8")


def test_the_report_says_first_what_was_found_how_good_and_how_sure(page: str) -> None:
    words = " ".join(_Page(page).words.split())
    headline = words.index("The search found Lion")
    verdict = words.index("On digits its test loss is 10.0 % lower than that of the tuned AdamW (95 % interval −11.8 %")
    assert headline < verdict < words.index("Program ") < words.index("Search Best fitness so far")
    assert "6 seeds that the search has not used): the interval excludes zero, so it is better." in words
    assert "Funnel, 1 stage, up to digits_x10: program 1 is better than the tuned AdamW." in words
    assert "candidate 3 of repeat 0 with its constants tuned afterwards" in words
    assert "update = sign(update)" in words


def test_every_part_on_record_has_its_figure(page: str) -> None:
    names = [re.sub(r"-\d+$", "", name) for name in _Page(page).figures]
    expected = ["losses", "curve", "outcomes", "front", "ancestry", "flow", "seeds", "learning"]
    assert names == [*expected, "sensitivity", "overfitting", "stage"]
    assert page.count("<math") > 2


def test_commands_and_code_of_the_report_name_the_run(page: str, run: Path) -> None:
    for command in ("export", "inspect"):
        assert f"optsearch {command} {run}" in page
    assert f"found = optsearch.open(&#39;{run}&#39;).best" in page
    with look(run) as journal:
        assert journal.digest() in page


def test_the_page_loads_nothing_and_allows_its_own_script_alone(page: str) -> None:
    assert not re.search(r"""(src|href)\s*=\s*["']?(?!#)[^"'\s>]""", page.split("<body>")[1].split("<script>")[0])
    assert "default-src &#39;none&#39;" in page
    assert " style=" not in page.split("</style>")[1]
    assert _Page(page).tags.count("script") == 1


def test_the_family_tree_counts_the_other_children_of_each_ancestor(tmp_path: Path) -> None:
    """A line 0, 4, 6 with children that lead nowhere; 5 computes what 4 does and belongs to its step."""
    parents = {1: 0, 2: 0, 3: 0, 4: 0, 5: 4, 6: 5, 7: 4, 8: 5, 9: 6, 10: 1}
    changed = [
        Record(old.candidate._replace(parent=parents.get(number)), old.score) for number, old in enumerate(records(11))
    ]
    twin = changed[5].candidate._replace(program=changed[4].candidate.program, hash=changed[4].candidate.hash)
    write_journal(tmp_path / "tree", [*changed[:5], Record(twin, changed[5].score), *changed[6:]])
    with look(tmp_path / "tree") as journal:
        steps, others = ancestry(journal, 0, 6), other_children(journal, 0, 6)
    assert [step.number for step in steps] == [0, 4, 6]
    assert [[child.number for child in children] for children in others] == [[1, 2, 3], [7, 8], [9]]
    assert wording.others(others[0]) == (
        "3 other children: 1 trained on all seeds, 1 stopped at a hurdle, 1 diverged; lowest fitness 0.3091"
    )
    (tmp_path / "tree" / SUMMARY).write_text(json.dumps(summary(number=6)))
    page = report_run(tmp_path / "tree").read_text(encoding="utf-8")
    assert wording.others(others[0]) in page
    assert wording.others(others[1]) in page


def hostile_run(folder: Path) -> Path:
    """A run folder in which every text that its writer may choose is hostile."""
    found = [
        record(number, program, 0.3 - 0.1 * number, mutation=HOSTILE) for number, program in enumerate(programs(3))
    ]
    config = {"tasks": ["digits"], "program": "adamw"}
    write_journal(folder, found, config=config)
    append_update(folder, record(3, builtin("adamw"), -1.0, mutation=HOSTILE), f"g{HOSTILE}")
    changed = json.dumps(summary(task=HOSTILE)).replace('"lion"', json.dumps(HOSTILE))
    (folder / SUMMARY).write_text(changed.replace("program 1", json.dumps(HOSTILE)[1:-1]))
    return folder


def test_hostile_text_is_shown_as_text(tmp_path: Path, run: Path) -> None:
    page = report_run(hostile_run(tmp_path / "hostile")).read_text(encoding="utf-8")
    parsed = _Page(page)
    assert parsed.tags.count("script") == 1
    assert "img" not in parsed.tags
    assert "window.hacked = 1" in parsed.words
    assert "\u202e" not in page
    assert "\x1b" not in page


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"best": 3}', '{"complete": "\\ud800"}', "\x00", "[" * 5000])
def test_a_summary_that_is_none_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / SUMMARY).write_text(content)
    with pytest.raises(UserError, match="is not a summary"):
        read_summary(tmp_path)


def test_where_the_summary_cannot_be_read_the_journal_is_shown(tmp_path: Path) -> None:
    folder = recorded_run(tmp_path / "run", 8)
    (folder / SUMMARY).write_text("{}")
    page = report_run(folder).read_text(encoding="utf-8")
    assert "is not a summary" in page
    assert "Best program so far" in page


def test_a_summary_of_an_earlier_state_is_not_taken_for_that_of_the_run(tmp_path: Path) -> None:
    folder = recorded_run(tmp_path / "run", 10)
    with look(folder) as journal:
        digest = journal.digest()
    for known in ("", digest):  # older versions recorded no digest
        (folder / SUMMARY).write_text(json.dumps(summary() | {"digest": known}))
        assert "Best program so far" not in report_run(folder).read_text(encoding="utf-8")
    with Journal.open(folder / JOURNAL) as journal:
        journal.append(0, [record(10, programs(11)[10], -1.0)])
    page = report_run(folder).read_text(encoding="utf-8")
    assert "is of an earlier state of the search" in page
    assert "Best program so far" in page
    with look(folder) as journal:
        facts = run_facts(folder, journal, 1)
    assert facts["derivation"] == {}
    assert "is of an earlier state of the search" in facts["answers"]["notes"][0]


@pytest.mark.parametrize(
    ("ratio", "shown"), [(1e6, "a log ratio of losses must lie within"), (600.0, "e+262 %"), (None, "diverged")]
)
def test_any_log_ratio_can_be_shown(ratio: float | None, shown: str, tmp_path: Path) -> None:
    changed = summary()
    for row in (*changed["comparison"], *changed["stages"][0]["standings"], *changed["sensitivity"]):
        row["log_ratio"] = ratio
        if "interval" in row:
            row["interval"] = [ratio, ratio]
    folder = recorded_run(tmp_path / "run", 8, **changed)
    assert shown in report_run(folder).read_text("utf-8")
    with look(folder) as journal:
        assert run_facts(folder, journal, 1)["answers"]
    assert optsearch.open(folder)._repr_html_()


def test_a_run_that_has_not_ended_has_a_report_of_what_there_is(tmp_path: Path) -> None:
    write_journal(tmp_path / "open", records(12), ended=False)
    page = report_run(tmp_path / "open").read_text(encoding="utf-8")
    assert "not complete" in page
    assert f"optsearch resume {tmp_path / 'open'}" in page
    write_journal(tmp_path / "empty", [], ended=False)
    assert "No program was trained on all seeds yet" in report_run(tmp_path / "empty").read_text(encoding="utf-8")


def test_the_command_writes_the_same_report_again_and_names_it(
    run: Path, page: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(run), "--out", str(tmp_path / "here.html"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"path": str(tmp_path / "here.html")}
    assert (tmp_path / "here.html").read_text(encoding="utf-8") == page
    assert main(["report", str(tmp_path)]) == 2
    assert "is not a run folder" in capsys.readouterr().err


def test_a_link_in_place_of_the_report_is_not_followed(tmp_path: Path) -> None:
    folder = recorded_run(tmp_path / "run", 8)
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (folder / REPORT).symlink_to(victim)
    with pytest.raises(UserError, match="is a link"):
        report_run(folder)
    assert victim.read_text() == "mine"


def test_a_history_is_reduced_to_what_a_figure_can_show(tmp_path: Path) -> None:
    count = 5 * POINTS
    write_journal(tmp_path / "long", (record(n, builtin("adamw"), 1 / (n + 1)) for n in range(count)))
    with look(tmp_path / "long") as journal:
        course = history(journal.outcomes(), journal.counts())
    assert course.candidates == course.longest == count == sum(course.outcomes.values())
    assert 0 < len(course.points) <= POINTS + 1
    assert all(len(counts) <= BINS for counts in course.bins.values())
    assert course.curves[0][-1].fitness == min(1 / (n + 1) for n in range(count) if n % 5 in (0, 2))


def test_differences_of_programs_tell_what_was_kept_removed_and_added() -> None:
    assert ["".join(change) for change in differences(["a", "b"], ["b", "c"])] == ["-a", " b", "+c"]


def test_a_scaled_program_has_its_update_and_its_decay_multiplied() -> None:
    lion = builtin("lion")
    found = scaled(lion, 2.0, 4.0)
    (decay,) = [value for *_, value in lion.constants() if value == pytest.approx(0.1)]
    assert [value for *_, value in found.constants() if value == pytest.approx(4 * decay)]
    assert found.statements[-1].arguments == ("update", 2.0)
    assert scaled(lion, 1.0, 1.0) == lion


def test_a_summary_on_disk_is_read_with_its_types(run: Path) -> None:
    found = read_summary(run)
    assert found is not None
    assert found.best.number == 3
    assert {row.program for row in found.comparison} == {"found", "adamw (tuned)", "lion (tuned)"}
    assert read_summary(run.parent) is None
