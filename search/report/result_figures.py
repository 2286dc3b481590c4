"""Figures of the result: losses beside the baselines, learning curves, sensitivity, meta-overfitting."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from primitives import printable
from search.record import CheckRow, ComparisonRow, CurvePoint, SensitivityPoint
from search.report import wording
from search.report.figures import SIZE, new_figure
from search.report.svg import PALETTE
from selection import FOUND, SIMPLIFIED, TUNED_ADAMW, TUNED_LION, percent

_COLOURS = {FOUND: "found", SIMPLIFIED: "found", TUNED_ADAMW: "adamw", TUNED_LION: "lion"}
_ROW = 0.42  # inches for a row of intervals
_DEEPEST = 100.0  # per cent of change that has the deepest colour of a map
_BAND = 1.96  # standard errors: a normal interval of 95 %
_LONGEST = 28  # characters of a name in a figure


def short(name: str) -> str:
    """A name that fits into a figure, without characters that do not print, which XML may not hold."""
    shown = printable(name)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"


def colour(program: str) -> str:
    """The colour of a program of a comparison."""
    return PALETTE[_COLOURS.get(program, "four")]


def intervals(rows: Sequence[tuple[str, str, float, tuple[float, float]]]) -> Figure:
    """Change of the loss against the tuned AdamW, with confidence intervals.

    Args:
        rows: label, name of the program, log loss ratio and its interval.
    """
    figure, axes = new_figure(height=1.0 + _ROW * len(rows))
    axes.axvline(0, color=PALETTE["adamw"], linestyle="--", linewidth=1.6)
    for place, (_, name, ratio, bounds) in enumerate(rows):
        middle, *ends = map(percent, (ratio, *bounds))
        if all(map(math.isfinite, (middle, *ends))):
            axes.plot(ends, [place, place], color=colour(name), linewidth=3)
            axes.plot([middle], [place], color=colour(name), marker="o", markersize=7)
    axes.set_yticks(range(len(rows)), [short(label) for label, *_ in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("loss against tuned AdamW (dashed), %")
    return figure


def seeds(rows: Sequence[ComparisonRow], reference: ComparisonRow) -> Figure:
    """Change of the loss against the tuned AdamW for each seed."""
    figure, axes = new_figure()
    axes.axhline(0, color=PALETTE["adamw"], linestyle="--", linewidth=1.6, label="tuned AdamW")
    for row in rows:
        pairs = zip(row.per_seed, reference.per_seed, strict=False)
        changes = [100 * (own / other - 1) if other else math.nan for own, other in pairs]
        style = {"marker": "o" if row.program == FOUND else "D", "markersize": 5, "linestyle": "none"}
        axes.plot(range(1, len(changes) + 1), changes, color=colour(row.program), label=short(row.program), **style)  # type: ignore[arg-type]
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="seed", ylabel="change of the test loss, %")
    figure.legend(loc="outside upper left", ncols=3)
    return figure


def learning_curves(points: Sequence[CurvePoint]) -> Figure:
    """Mean validation loss in the course of training, with bands of 95 % over seeds."""
    figure, axes = new_figure()
    for name in dict.fromkeys(point.program for point in points):
        own = sorted((point for point in points if point.program == name), key=lambda point: point.share)
        losses = [np.asarray(point.per_seed, float) for point in own]
        shares = [100 * point.share for point in own]
        means = np.array([values.mean() for values in losses])
        errors = np.array([_BAND * values.std(ddof=1) / math.sqrt(len(values)) for values in losses])
        axes.fill_between(shares, means - errors, means + errors, color=colour(name), alpha=0.15, linewidth=0)
        axes.plot(shares, means, color=colour(name), marker="o", markersize=3, label=short(name))
    axes.set(xlabel="% of the steps", ylabel="validation loss")
    axes.legend(loc="best")
    return figure


def sensitivity(points: Sequence[SensitivityPoint]) -> Figure:
    """Maps of the log loss ratio over factors of rate and decay, one for each program."""
    names = list(dict.fromkeys(point.program for point in points))
    maps = {name: [point for point in points if point.program == name] for name in names}
    heights = [len({point.decay for point in points}) for points in maps.values()]
    figure = Figure(figsize=(SIZE[0], 1.1 * len(names) + 0.33 * sum(heights)), layout="constrained")
    axes = figure.subplots(len(names), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axis, (name, own) in zip(axes, maps.items(), strict=True):
        _heat_map(axis, short(name), own)
    return figure


def _heat_map(axes: Axes, title: str, points: Sequence[SensitivityPoint]) -> None:
    rates, decays = (sorted({getattr(point, key) for point in points}) for key in ("rate", "decay"))
    for point in points:
        x, y, value = rates.index(point.rate), decays.index(point.decay), percent(point.log_ratio)
        depth = min(abs(value) / _DEEPEST, 1) if math.isfinite(value) else 1
        good = math.isfinite(value) and value < 0
        axes.bar(x, 1, 1, y - 0.5, color=PALETTE["good" if good else "poor"], alpha=0.06 + 0.6 * depth, linewidth=0)
        axes.text(x, y, wording.change(point.log_ratio, 0), ha="center", va="center", fontsize=8.5)
    axes.set_xticks(range(len(rates)), [f"×{rate:g}" for rate in rates])
    axes.set_yticks(range(len(decays)), [f"×{decay:g}" for decay in decays])
    axes.set_title(title, fontsize=9.5, loc="left")
    axes.set(xlabel="learning rate", ylabel="weight decay" if len(decays) > 1 else "decay")
    axes.set(xlim=(-0.5, len(rates) - 0.5), ylim=(-0.5, len(decays) - 0.5))
    axes.grid(visible=False)


def overfitting(checks: Sequence[CheckRow]) -> Figure:
    """Best program so far on fresh seeds of the tasks of the search, and on larger tasks."""
    figure, axes = new_figure()
    for repeat in sorted({check.repeat for check in checks}):
        own = [check for check in checks if check.repeat == repeat]
        numbers = [check.number for check in own]
        first = repeat == checks[0].repeat
        for key, name, label in (("fresh", "found", "fresh seeds"), ("larger", "poor", "larger tasks")):
            values = [getattr(check, key) for check in own]
            axes.plot(numbers, values, color=PALETTE[name], marker="o", markersize=3, label=label if first else None)
    axes.set(xlabel="candidate", ylabel="log loss ratio to the start")
    axes.legend(loc="best")
    return figure
