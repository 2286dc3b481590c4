"""Summaries from others: their lists, ratios and numbers have bounds, and reports few figures."""

import json
from pathlib import Path
from typing import Any

import pytest

from primitives import UserError
from search.record import SUMMARY, read_summary
from search.report import report_run
from tests.recorded_runs import recorded_run, summary

CURVE, POINT = summary()["curves"][0], summary()["sensitivity"][0]


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"curves": [CURVE] * 2001}, "curves"),
        ({"stages": summary()["stages"] * 21}, "stages"),
        ({"sensitivity": [POINT | {"log_ratio": 1000}]}, "sensitivity.0.log_ratio"),
        ({"best": summary()["best"] | {"number": 10**300}}, "best.number"),
        ({"best": summary()["best"] | {"repeat": -1}}, "best.repeat"),
        ({"trained": 2**63}, "trained"),
    ],
    ids=["curves", "stages", "ratio", "long number", "negative number", "large number"],
)
def test_lists_ratios_and_numbers_of_a_summary_have_bounds(changed: dict[str, Any], where: str, tmp_path: Path) -> None:
    (tmp_path / SUMMARY).write_text(json.dumps(summary() | changed))
    with pytest.raises(UserError, match=f"is not a summary: {where}"):
        read_summary(tmp_path)


def test_a_report_draws_twelve_tasks_and_programs_and_counts_the_others(tmp_path: Path) -> None:
    folder = recorded_run(tmp_path / "run", 4)
    found = summary()
    found["curves"] = [CURVE | {"task": f"task {number}"} for number in range(20)]
    found["sensitivity"] = [POINT | {"program": f"program {number}"} for number in range(300)]
    (folder / SUMMARY).write_text(json.dumps(found))
    page = report_run(folder).read_text(encoding="utf-8")
    assert page.count("Learning curves, task") >= 12
    assert "Learning curves, task 11" in page
    assert "Learning curves, task 12" not in page
    assert "8 more tasks are not drawn." in page
    assert "288 more programs are not drawn." in page
