"""The table of windows compares searches after equal numbers of evaluations."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks import windows
from search.running import Method


def method(*best: list[float]) -> Method:
    return Method("", np.array(best), np.zeros((1, 1)), np.zeros((1, 1)), tuple(row[-1] for row in best), {}, "")


def test_windows_are_compared_after_as_many_evaluations_as_the_shortest_search_made() -> None:
    narrow = method([0.0, -0.1, -0.2, -0.3, -0.4, -0.5], [0.0, -0.1, -0.2, -0.3, -0.3, -0.3])
    wide = method([0.0, -0.1, -0.1, -0.2], [0.0, -0.1, -0.1, -0.2])
    none = method([0.0] * 6)
    lines = windows.report([narrow, wide, wide, wide, none], [1, 2, 3, 4, 5])
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert cells[0][3] == "best fitness after 4 evaluations"
    assert cells[2] == ["1", "25.0%", "1", "-0.300 (-0.300 … -0.300)", "-0.400 (-0.500 … -0.300)", "3"]
    assert [row[-1] for row in cells[3:]] == ["4", "4", "4", "over 4"]


def test_the_age_of_a_parent_is_counted_in_candidates() -> None:
    rows = [SimpleNamespace(number=number, parent=parent) for number, parent in ((1, 0), (5, 2), (9, 1))]
    journal: Any = SimpleNamespace(rows=lambda where: rows)
    assert windows.parent_age(journal) == 3
