"""Figures of the search: its curve, the outcomes of its candidates, the front, and the ancestry of the champion.

Each function takes plain values and returns a Matplotlib figure; `search.report.svg` makes it a part of the page. They
are called in the context `search.report.svg.drawing_style`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from search.report.history import CURVES, OUTCOMES, POINTS, History
from search.report.svg import PALETTE

SIZE = (4.9, 3.4)  # inches of 72 CSS pixels: the text is readable on a page of 400 pixels, which shrinks it a little
_OUTCOME_COLOURS = ("good", "poor", "three", "two", "four", "one", "six", "five", "eight")
_ROOM = 0.12  # share of the range of values that is left free above and below


@dataclass(frozen=True)
class FrontPoint:
    """A program of the front.

    Attributes:
        length: live statements.
        fitness: its fitness in the search.
        target: identifier of the element of the page that shows the program.
    """

    length: int
    fitness: float
    target: str


def new_figure(width: float = SIZE[0], height: float = SIZE[1]) -> tuple[Figure, Axes]:
    """A figure with one pair of axes."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def draw_references(axes: Axes, references: Mapping[str, float]) -> None:
    """Horizontal lines at the fitness of the tuned AdamW and Lion, as far as they are known."""
    for name, fitness in references.items():
        if math.isfinite(fitness):
            style = "--" if name == "AdamW" else ":"
            axes.axhline(fitness, color=PALETTE[name.lower()], linestyle=style, linewidth=1.6, label=f"tuned {name}")


def search_curve(course: History, references: Mapping[str, float]) -> Figure:
    """Best fitness so far of each repeat, over candidates that were trained on all seeds."""
    figure, axes = new_figure()
    if course.points:
        numbers, fitnesses = zip(*course.points, strict=True)
        axes.scatter(numbers, fitnesses, s=5, color=PALETTE["muted"], alpha=0.35, linewidths=0)
    best = min(course.curves, key=lambda repeat: _last(course, repeat), default=0)
    chosen = list(course.curves)[:CURVES]
    for repeat in sorted({*chosen, best}, key=lambda repeat: repeat == best):
        curve = course.curves.get(repeat, [])
        if curve:
            steps = [*((step.number, step.fitness) for step in curve), (course.longest - 1, curve[-1].fitness)]
            label = f"best so far, repeat {repeat}" if repeat == best else None
            alpha, width = (1.0, 2.2) if repeat == best else (0.4, 1.1)
            axes.step(
                *zip(*steps, strict=True),
                where="post",
                color=PALETTE["found"],
                alpha=alpha,
                linewidth=width,
                label=label,
            )
    draw_references(axes, references)
    _fit(axes, [step.fitness for curve in course.curves.values() for step in curve], references)
    axes.set(xlabel="candidate", ylabel="fitness (lower is better)")
    _legend(axes)
    return figure


def _last(course: History, repeat: int) -> float:
    curve = course.curves[repeat]
    return curve[-1].fitness if curve else math.inf


def _fit(axes: Axes, fitnesses: Sequence[float], references: Mapping[str, float]) -> None:
    """Limit the axis to the improvements and the references; the worst candidates would flatten the curve."""
    values = [value for value in (*fitnesses, *references.values()) if math.isfinite(value)]
    if values:
        room = _ROOM * ((max(values) - min(values)) or 0.1)
        axes.set_ylim(min(values) - room, max(values) + room)


def outcomes(course: History) -> Figure:
    """Share of candidates with each outcome in the course of the search."""
    figure, axes = new_figure()
    names = list(course.outcomes)
    totals = [sum(counts) or 1 for counts in zip(*course.bins.values(), strict=True)]
    shares = [[100 * count / total for count, total in zip(course.bins[name], totals, strict=True)] for name in names]
    edges = [part * course.longest / max(len(totals), 1) for part in range(len(totals) + 1)]
    colours = dict(zip(OUTCOMES, _OUTCOME_COLOURS, strict=True))
    bottom = [0.0] * len(totals)
    for name, values in zip(names, shares, strict=True):
        top = [low + value for low, value in zip(bottom, values, strict=True)]
        label = f"{OUTCOMES[name]}: {course.outcomes[name]:,}"
        axes.stairs(top, edges, baseline=bottom, fill=True, color=PALETTE[colours[name]], label=label, linewidth=0)
        bottom = top
    axes.set(xlabel="candidate", ylabel="% of candidates", ylim=(0, 100), xlim=(0, max(course.longest, 1)))
    figure.legend(loc="outside upper left", ncols=2)
    return figure


def front(points: Sequence[FrontPoint], references: Mapping[str, float]) -> Figure:
    """Lowest fitness of each number of live statements; each point is a link to its program."""
    figure, axes = new_figure()
    draw_references(axes, references)
    lengths, fitnesses = [point.length for point in points], [point.fitness for point in points]
    axes.step(lengths, fitnesses, where="post", color=PALETTE["found"], linewidth=1.2)
    axes.scatter(
        lengths, fitnesses, s=70, color=PALETTE["found"], zorder=3, urls=[f"#{point.target}" for point in points]
    )
    _fit(axes, fitnesses, references)
    axes.margins(x=0.08)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="live statements", ylabel="fitness (lower is better)")
    _legend(axes)
    return figure


def ancestry(
    fitnesses: Sequence[float], siblings: Sequence[Sequence[float]], references: Mapping[str, float]
) -> Figure:
    """Fitness of the ancestors of the champion, oldest first, and of the other children of each ancestor."""
    figure, axes = new_figure()
    draw_references(axes, references)
    others = [(place + 1, value) for place, children in enumerate(siblings[:-1]) for value in children]
    if others:
        steps, values = zip(*others[:: -(-len(others) // POINTS)], strict=True)
        axes.scatter(steps, values, s=9, color=PALETTE["muted"], alpha=0.5, linewidths=0, label="other children")
    known = [(place, value) for place, value in enumerate(fitnesses) if math.isfinite(value)]
    if known:
        axes.plot(*zip(*known, strict=True), color=PALETTE["found"], marker="o", markersize=4, linewidth=1.2)
    _fit(axes, fitnesses, references)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="step from the starting program", ylabel="fitness (lower is better)")
    _legend(axes)
    return figure


def _legend(axes: Axes) -> None:
    if axes.get_legend_handles_labels()[1]:
        axes.legend(loc="best")
