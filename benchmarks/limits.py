"""Limits of the benchmarks: a measured value, the bound that it has to keep, and the list of those missed.

A benchmark that does no work is fast. Each one therefore has limits on the result of the work (losses agree, histories
are equal, compilations were made) as well as on its cost, and a value that could not be measured misses its limit.

Limits in seconds hold for a machine of a certain speed. On a slower or busy one, they are scaled by the time of a fixed
loop, which is measured before and after each benchmark. Its time on that machine was estimated: one commit bred 12,700
children per second there, and 5,800 to 6,500 on a machine where the loop took 0.16 to 0.19 s.
"""

import math
import time
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

LOOP = 2_000_000  # turns of the fixed loop
LOOP_SECONDS = 0.08  # CPU time of the loop on the machine for which limits in seconds hold


class Limit(NamedTuple):
    """One measured value and its bound.

    Attributes:
        name: of the value, with its unit.
        value: as measured; NaN if the measurement failed.
        bound: largest or smallest value that keeps the limit.
        at_least: whether `bound` is the smallest.
        note: reason of a failure, or how the bound was scaled.
        speed: whether the bound is a time or a rate, which depends on the speed of the machine.

    Example:
        >>> Limit("ratio of digits", 1.2, 1.5).kept, Limit("ratio of digits", float("nan"), 1.5).kept
        (True, False)
    """

    name: str
    value: float
    bound: float
    at_least: bool = False
    note: str = ""
    speed: bool = False

    def on(self, slowness: float) -> "Limit":
        """The limit on a machine that is slower by a factor."""
        if not self.speed or slowness == 1.0:
            return self
        bound = self.bound / slowness if self.at_least else self.bound * slowness
        return self._replace(bound=bound, note=f"{_shown(self.bound)} on a machine {slowness:.1f} times as fast")

    @property
    def kept(self) -> bool:
        """Whether the value keeps the limit; a value that is not a number never does."""
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    def __str__(self) -> str:
        side = "at least" if self.at_least else "at most"
        note = f" ({self.note})" if self.note else ""
        return f"{self.name}: {_shown(self.value)}, {side} {_shown(self.bound)}{note}"


class Section(NamedTuple):
    """Lines of a report in Markdown, and the limits of the values in them."""

    lines: list[str]
    limits: list[Limit]


def slowness() -> float:
    """CPU time of the fixed loop, relative to that on the machine for which limits in seconds hold; at least 1."""
    before = time.process_time()
    total = 0
    for number in range(LOOP):
        total += number * number
    return max(1.0, (time.process_time() - before) / LOOP_SECONDS)


def measured(title: str, measure: Callable[[], Section]) -> Section:
    """Run one benchmark; one that fails misses a limit, and the others still run."""
    try:
        before = slowness()
        section = measure()
        slow = (before + slowness()) / 2
        return section._replace(limits=[limit.on(slow) for limit in section.limits])
    except Exception as error:  # the report shows it, and the exit status is 1
        reason = f"{type(error).__name__}: {error}"
        return Section([f"## {title}", "", f"Failed: {reason}"], [Limit(title, math.nan, math.nan, note=reason)])


def account(limits: Sequence[Limit]) -> list[str]:
    """The list at the end of a report: limits missed, then limits kept."""
    missed = [limit for limit in limits if not limit.kept]
    kept = [limit for limit in limits if limit.kept]
    lines = ["## Limits", "", f"{len(missed)} missed, {len(kept)} kept.", ""]
    return lines + [f"- **missed** {limit}" for limit in missed] + [f"- kept {limit}" for limit in kept]


def exit_status(limits: Iterable[Limit]) -> int:
    """1 if any limit is missed or nothing was measured, 0 otherwise."""
    kept = [limit.kept for limit in limits]
    return 0 if kept and all(kept) else 1


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> list[str]:
    """A table in Markdown.

    Args:
        heads: of the columns.
        rows: cells.
        left: number of columns that are aligned left; the others hold numbers.
    """
    bars = ["---" if place < left else "--:" for place in range(len(heads))]
    return ["| " + " | ".join(line) + " |" for line in (heads, bars, *rows)]


def _shown(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
