"""Tables of results show every number, also those of a training that diverged."""

import math
from typing import Any

import pytest
from rich.console import Console, RenderableType

from search.commands import run_tables, tables
from selection import Comparison
from selection.comparison import against_adamw, change_text, percent


def shown(view: RenderableType) -> str:
    console = Console(width=200)
    with console.capture() as found:
        console.print(view)
    return found.get()


@pytest.mark.parametrize(
    ("ratio", "text", "words"),
    [
        (math.log(0.8), "-20.0 %", "20 % below AdamW"),
        (0.0, "+0.0 %", "0 % above AdamW"),
        (50.0, "+5.2e+23 %", "5.2e+23 % above AdamW"),
        (1e6, "+inf %", "inf % above AdamW"),
        *((ratio, "diverged", "diverged") for ratio in (None, math.nan, math.inf, -math.inf)),
    ],
)
def test_any_log_ratio_is_a_change_or_a_divergence(ratio: float | None, text: str, words: str) -> None:
    assert change_text(ratio) == text
    assert against_adamw(ratio) == words
    assert math.isnan(percent(ratio)) == (text == "diverged")


def test_a_run_of_a_reproduction_that_diverged_has_a_row() -> None:
    losses: list[dict[str, Any]] = [
        {"program": name, "split": "test", "log_ratio": ratio, "change": None}
        for name, ratio in (("found", None), ("lion (tuned)", math.log(0.8)))
    ]
    run = {"seed": 1, "seconds": 60, "children": 2, "evaluated": 2, "verdict": "lion", "level": 3, "losses": losses}
    table = shown(tables.reproduction({"target": "lion", "successes": 1, "seeds": 1, "runs": [run]}))
    assert "diverged" in table
    assert "-20.0 %" in table


def test_a_comparison_shows_what_cannot_be_computed_as_a_dash() -> None:
    good = Comparison("good", "digits", "test", 0.5, math.log(0.8), (-0.3, 1e6), (0.5,))
    bad = Comparison("bad", "digits", "test", math.nan, math.nan, (math.nan, math.nan), (math.nan,))
    first, second = [line for line in shown(tables.comparison([good, bad], "title")).splitlines() if "digits" in line]
    assert "-20.0 %" in first
    assert "-25.9 … +inf %" in first
    assert second.split() == ["│", "bad", "│", "digits", "│", "test", "│", "diverged", "│", "–", "│", "–", "│"]


def test_a_candidate_without_a_ratio_has_a_dash() -> None:
    assert [run_tables.change(ratio) for ratio in (None, math.inf, 0.0)] == ["–", "–", "+0.0 %"]
