"""The parts of a report: each figure with its caption and its numbers as a table."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from markupsafe import Markup
from matplotlib.figure import Figure

from primitives.drawing import figure_of
from search.record import ComparisonRow
from search.report import figures, result_figures
from search.report.facts import Facts
from search.report.history import OUTCOMES
from search.report.svg import Link, StyleSheet, inline_svg
from search.report.wording import change, chosen, interval, number, trained
from selection import FOUND, SIMPLIFIED, TUNED_ADAMW, TUNED_LION

_LABELS = {FOUND: "found", SIMPLIFIED: "simplified", TUNED_LION: "Lion"}
_ROWS = 200  # most rows of a table of numbers
_MOST_DRAWN = 12  # most programs in a figure, and most tasks with a figure of their own
_INTERVALS = 6 * _MOST_DRAWN  # most intervals in a figure: three programs, two splits


@dataclass(frozen=True)
class Part:
    """A figure of the page.

    Attributes:
        name: unique in the page.
        title: its heading.
        svg: the figure.
        caption: how to read it.
        head: heads of the columns of its numbers.
        rows: its numbers.
        wide: whether it keeps its natural width, and scrolls where that is too much.
    """

    name: str
    title: str
    svg: Markup
    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    wide: bool = False


class Parts:
    """Makes the figures of a report.

    Args:
        facts: what the report tells.
        sheet: receives the styles of the figures.
    """

    def __init__(self, facts: Facts, sheet: StyleSheet) -> None:
        self._facts, self._sheet = facts, sheet

    def sections(self) -> dict[str, Callable[[], Iterator[Part]]]:
        """The figures of each section of the page."""
        return {
            "result": self.result,
            "search": self.search,
            "front": self.front,
            "ancestry": self.ancestry,
            "flow": self.data_flow,
            "trained": self.trained,
            "funnel": self.funnel,
        }

    def result(self) -> Iterator[Part]:
        """The losses of the champion and of the tuned baselines."""
        summary = self._facts.summary
        if summary is None:
            return
        rows = [
            row
            for name in (FOUND, SIMPLIFIED, TUNED_LION)
            for split in ("test", "validation")
            for row in chosen(summary.comparison, name, split)
        ]
        several = len({row.task for row in rows}) > 1
        if rows:
            drawn = [(_label(row, several), row.program, row.log_ratio, row.interval) for row in rows[:_INTERVALS]]
            yield self._part(
                "losses",
                "Loss against the tuned AdamW",
                result_figures.intervals(drawn),
                "Dots are means over seeds that the search has not used, paired by seed; bars are 95 % intervals. "
                "Left of the dashed line is better than AdamW.",
                ("program", "task", "split", "mean loss", "against AdamW", "95 % interval"),
                [_comparison(row) for row in summary.comparison],
            )

    def search(self) -> Iterator[Part]:
        """The course of the search."""
        facts, course = self._facts, self._facts.course
        best = min(course.curves.values(), key=lambda curve: curve[-1].fitness if curve else math.inf, default=[])
        if best:
            yield self._part(
                "curve",
                "Best fitness so far",
                figures.search_curve(course, facts.references),
                "Fitness is the mean log loss ratio to the tuned AdamW on the seeds of the search, plus the price of "
                "length and memory. Lines are the best so far of each repeat; dots are other candidates.",
                ("candidate", "fitness", "change"),
                [(f"{step.number:,}", number(step.fitness), step.mutation) for step in best[-_ROWS:]],
            )
        if course.candidates:
            yield self._part(
                "outcomes",
                "Outcomes of the candidates",
                figures.outcomes(course),
                "Candidates that compute the same function as an earlier one have its score and are not trained.",
                ("outcome", "candidates", "share"),
                [
                    (OUTCOMES[name], f"{count:,}", f"{100 * count / course.candidates:.1f} %")
                    for name, count in course.outcomes.items()
                ],
            )

    def front(self) -> Iterator[Part]:
        """The front of fitness over length."""
        rows = self._facts.front
        if rows:
            points = [figures.FrontPoint(row.live, row.fitness, f"front-{row.live}") for row in rows]
            links = [
                Link(point.target, f"program of {point.length} statements, fitness {number(point.fitness)}")
                for point in points
            ]
            yield self._part(
                "front",
                "Best program of each length",
                figures.front(points, self._facts.references),
                "A program is on the front if it is better than all shorter ones. Choose a point to see its program.",
                ("length", "fitness", "candidate", "repeat"),
                [(str(row.live), number(row.fitness), f"{row.number:,}", str(row.repeat)) for row in rows],
                links=links,
            )

    def ancestry(self) -> Iterator[Part]:
        """The fitness of the ancestors of the champion."""
        steps, siblings = self._facts.ancestors, self._facts.siblings
        tried = [(len(children), len(trained(children))) for children in siblings]
        if len(steps) > 1:
            yield self._part(
                "ancestry",
                "Fitness from the start to the champion",
                figures.ancestry(
                    [step.fitness for step in steps],
                    [trained(children) for children in siblings],
                    self._facts.references,
                ),
                "The line: ancestors whose function differs from that of their parent. Dots: other children of the "
                "ancestor before, if they were trained on all seeds and are not far above the line.",
                ("step", "candidate", "change", "fitness", "other children", "of these trained on all seeds"),
                [
                    (str(place), f"{step.number:,}", step.mutation, number(step.fitness), *map(str, counts))
                    for place, step, counts in list(zip(count(), steps, tried, strict=False))[-_ROWS:]
                ],
            )

    def data_flow(self) -> Iterator[Part]:
        """The data flow of the champion, before and after simplification."""
        champion = self._facts.champion
        if champion is not None and champion.programs:
            first, last = champion.programs.values()
            drawn = champion.programs if first != last else {"found, which could not be simplified": first}
            yield self._part(
                "flow",
                "Data flow",
                figure_of(drawn),
                "Inputs are on the left; the update and the next state are on the right.",
                (),
                [],
                wide=True,
            )

    def trained(self) -> Iterator[Part]:
        """Recorded losses of each seed, learning curves, sensitivity, and checks for meta-overfitting."""
        summary = self._facts.summary
        if summary is None:
            return
        for reference in chosen(summary.comparison, TUNED_ADAMW, "test")[:_MOST_DRAWN]:
            rows = [
                row
                for name in (FOUND, TUNED_LION)
                for row in chosen(summary.comparison, name, "test")
                if row.task == reference.task
            ]
            if rows and reference.per_seed:
                yield self._part(
                    f"seeds-{len(self._sheet.classes)}",
                    f"Each seed, {reference.task}",
                    result_figures.seeds(rows, reference),
                    "Change of the test loss against the tuned AdamW with the same initial weights and data order.",
                    ("seed", *(_LABELS.get(row.program, row.program) for row in (*rows, reference))),
                    [
                        (str(place), *map(number, losses))
                        for place, losses in enumerate(
                            zip(*(row.per_seed for row in (*rows, reference)), strict=False), start=1
                        )
                    ],
                )
        tasks, more = _drawn((point.task for point in summary.curves), "tasks")
        for task in tasks:
            points = [point for point in summary.curves if point.task == task and point.per_seed]
            names, others = _drawn((point.program for point in points), "programs")
            points = [point for point in points if point.program in names]
            yield self._part(
                f"learning-{len(self._sheet.classes)}",
                f"Learning curves, {task}",
                result_figures.learning_curves(points),
                f"Mean validation loss over fresh seeds; bands are 95 % intervals of the mean.{others}{more}",
                ("program", "% of the steps", "mean loss"),
                [
                    (point.program, f"{100 * point.share:.0f}", number(sum(point.per_seed) / len(point.per_seed)))
                    for point in points
                ],
            )
        if summary.sensitivity:
            names, others = _drawn((point.program for point in summary.sensitivity), "programs")
            grid = [point for point in summary.sensitivity if point.program in names]
            yield self._part(
                "sensitivity",
                "Sensitivity to rate and decay",
                result_figures.sensitivity(grid),
                "Change of the validation loss against the tuned AdamW with rate and decay multiplied by factors."
                + others,
                ("program", "rate", "decay", "against AdamW"),
                [(row.program, f"×{row.rate:g}", f"×{row.decay:g}", change(row.log_ratio)) for row in grid],
            )
        if summary.checks:
            yield self._part(
                "overfitting",
                "Checks on larger tasks",
                result_figures.overfitting(summary.checks),
                "The best program so far, trained on fresh seeds and on larger tasks; lower is better. Diverging "
                "lines indicate meta-overfitting.",
                ("candidates", "repeat", "in the search", "fresh seeds", "larger tasks"),
                [
                    (f"{row.number:,}", str(row.repeat), number(row.fitness), number(row.fresh), number(row.larger))
                    for row in summary.checks
                ],
            )

    def funnel(self) -> Iterator[Part]:
        """The stages of the funnel."""
        for place, stage in enumerate(self._facts.summary.stages if self._facts.summary else (), start=1):
            rows = [
                (row.name, FOUND if row.index is not None else row.name, row.log_ratio, row.interval)
                for row in stage.standings[:_INTERVALS]
            ]
            yield self._part(
                f"stage-{place}",
                f"Stage {place}: {', '.join(stage.tasks)}",
                result_figures.intervals(rows),
                f"Programs and baselines were tuned {stage.tunings} times with {stage.trials} trials each and compared "
                f"on {stage.seeds} fresh seeds.",
                ("program or baseline", "against AdamW", "95 % interval", "verdict"),
                [(row.name, change(row.log_ratio), interval(row.interval), row.verdict) for row in stage.standings],
            )

    def _part(
        self,
        name: str,
        title: str,
        figure: Figure,
        caption: str,
        head: Sequence[str],
        rows: Sequence[Sequence[str]],
        *,
        links: Sequence[Link] = (),
        wide: bool = False,
    ) -> Part:
        svg = inline_svg(figure, name, f"{title}. {caption}", self._sheet, links=links, wide=wide)
        return Part(name, title, svg, caption, head, rows, wide)


def _drawn(names: Iterable[str], what: str) -> tuple[list[str], str]:
    """The distinct names that are drawn, and a sentence about the others; empty if all are drawn."""
    distinct = list(dict.fromkeys(names))
    left = len(distinct) - _MOST_DRAWN
    return distinct[:_MOST_DRAWN], f" {left:,} more {what} are not drawn." if left > 0 else ""


def _label(row: ComparisonRow, several: bool) -> str:
    task = f"{row.task}, " if several else ""
    return f"{_LABELS.get(row.program, row.program)}, {task}{row.split}"


def _comparison(row: ComparisonRow) -> tuple[str, ...]:
    return (row.program, row.task, row.split, number(row.loss), change(row.log_ratio), interval(row.interval))
