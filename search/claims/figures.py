"""Figures of the measured claims, as SVG files."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from primitives import UserError, printable
from search.claims.comparisons import ADAMW
from search.claims.entrants import PUBLISHED
from search.record import whole_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw(results: Sequence[Mapping[str, Any]], folder: Path) -> list[Path]:
    """Draw a figure for each group of results that has one.

    Args:
        results: groups as in `claims.json`.
        folder: folder of the figures.

    Returns:
        The files.

    Raises:
        UserError: the values of a group, which may come from a file of others, are not those of its figure.
    """
    import matplotlib as mpl  # takes half a second to import
    from matplotlib.figure import Figure

    data = {row["name"]: row["data"] for row in results}
    sizes = [row for name, row in data.items() if name.startswith("published")]
    wanted: dict[str, tuple[Callable[[Figure, Any], None], Any]] = {
        "families": (_families, sizes),
        "batches": (_batches, data.get("batches")),
        "maps": (_maps, data.get("maps")),
        "updates": (_updates, data.get("weights")),
    }
    files = []
    for name, (draw_one, values) in wanted.items():
        if values:
            figure = Figure(layout="constrained")
            try:
                draw_one(figure, values)
            except (AttributeError, LookupError, TypeError, ValueError) as error:
                reason = f"{type(error).__name__}: {printable(str(error))}"
                raise UserError(
                    f"the figure `{name}` cannot be drawn from the results in `{folder}` ({reason}); remove their "
                    f"file, and the same command writes it again from the recorded trials"
                ) from None
            files.append(folder / f"{name}.svg")
            with mpl.rc_context({"svg.hashsalt": name}), whole_file(files[-1]) as part:
                figure.savefig(part, format="svg", metadata={"Date": None})
    return files


def _families(figure: "Figure", sizes: Sequence[dict[str, Any]]) -> None:
    """Loss of each optimizer against AdamW, a panel for each size."""
    sizes = sorted(sizes, key=lambda row: row["size"])
    panels = figure.subplots(1, len(sizes), squeeze=False, sharey=True)[0]
    figure.set_size_inches(3.6 * len(sizes) + 1.5, 4.2)
    for axes, row in zip(panels, sizes, strict=True):
        families = list(dict.fromkeys(one["family"] for one in row["rows"]))
        known = {one["optimizer"] for one in row["rows"]}
        names = [name for name in PUBLISHED if name in known and name != ADAMW]
        for offset, name in enumerate(names):
            found = {one["family"]: one for one in row["rows"] if one["optimizer"] == name}
            places = np.arange(len(families)) + 0.18 * (offset - (len(names) - 1) / 2)
            means = np.array([_finite(found[family]["log_ratio"]) for family in families])
            ends = np.array([[_finite(end) for end in found[family]["interval"]] for family in families])
            lengths = np.abs(ends.T - means)
            axes.errorbar(100 * means, places, xerr=100 * lengths, fmt="o", markersize=4, linewidth=1.2, label=name)
        axes.axvline(0.0, color="black", linewidth=0.8)
        axes.set(yticks=range(len(families)), yticklabels=families, title=f"×{row['size']}")
        axes.set_xlabel("log loss ratio to AdamW × 100")
    panels[0].invert_yaxis()
    figure.legend(*panels[-1].get_legend_handles_labels(), fontsize="small", loc="outside right upper")


def _batches(figure: "Figure", data: dict[str, Any]) -> None:
    """Gain of Lion over AdamW against the size of the batch, a line for each task."""
    figure.set_size_inches(6.5, 4)
    axes = figure.subplots()
    for task in dict.fromkeys(row["task"] for row in data["rows"]):
        rows = [row for row in data["rows"] if row["task"] == task]
        sizes = [row["batch"] for row in rows]
        (line,) = axes.plot(sizes, [100 * _finite(row["mean"]) for row in rows], marker="o", label=task)
        low, high = ([100 * _finite(row[end]) for row in rows] for end in ("low", "high"))
        axes.fill_between(sizes, low, high, color=line.get_color(), alpha=0.2, linewidth=0)
    axes.axhline(0.0, color="black", linewidth=0.8)
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set(xlabel="examples in a step, at equal examples in all", ylabel="log loss ratio of Lion to AdamW × 100")
    axes.legend()


def _maps(figure: "Figure", data: dict[str, Any]) -> None:
    """Maps of the loss around the first tuning: Lion and AdamW side by side, a row for each task."""
    tasks = list(dict.fromkeys(row["task"] for row in data["maps"]))
    figure.set_size_inches(9, 3.4 * len(tasks))
    panels = figure.subplots(len(tasks), 2, squeeze=False)
    for task, pair in zip(tasks, panels, strict=True):
        first = [row for row in data["maps"] if row["task"] == task and row["tuning"] == 0]
        for axes, row in zip(pair, first, strict=True):
            _map(axes, row, data["rates"], data["decays"])
            axes.set_title(f"{row['optimizer']} on {task}")


def _map(axes: "Axes", row: dict[str, Any], rates: Sequence[float], decays: Sequence[float]) -> None:
    """One map: log loss above that of the best cell."""
    values = np.array([[_finite(cell) for cell in line] for line in row["mean_log_loss"]])
    image = axes.imshow(
        100 * (values - np.nanmin(values)), origin="lower", cmap="viridis_r", vmin=0, vmax=50, aspect="auto"
    )
    axes.set_yticks(range(len(rates)), [f"{row['tuned_rate'] * factor:.2g}" for factor in rates])
    axes.set_xticks(range(len(decays)), [f"{row['tuned_decay'] * factor:.2g}" for factor in decays], rotation=45)
    axes.set(xlabel="weight decay", ylabel="learning rate")
    axes.figure.colorbar(image, ax=axes, label="log loss above the best × 100")


def _updates(figure: "Figure", data: dict[str, Any]) -> None:
    """Norm of the updates before the rate over training, a panel for each task."""
    tasks = list(dict.fromkeys(row["task"] for row in data["curves"]))
    figure.set_size_inches(3.4 * len(tasks) + 0.8, 3.4)
    panels = figure.subplots(1, len(tasks), squeeze=False)[0]
    for task, axes in zip(tasks, panels, strict=True):
        for row in data["curves"]:
            if row["task"] == task:
                axes.plot(*np.array(row["norms"]).T, label=row["optimizer"])
        axes.set(title=task, xlabel="step", yscale="log")
    panels[0].set_ylabel("root mean square of an update over the rate")
    panels[0].legend()


def _finite(value: float | None) -> float:
    """A number of a JSON file, in which values that are not finite are null."""
    return float("nan") if value is None else value
