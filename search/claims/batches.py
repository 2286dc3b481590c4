"""Claims about the size of the batch: Lion against AdamW at equal numbers of examples."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from proxy_tasks import Task
from search.claims.claim import Answer, Claim, Estimate, Result, majority
from search.claims.comparisons import ADAMW, LION, Measuring
from search.claims.entrants import entrant, untuned
from search.claims.losses import LogLosses
from selection import pooled_variance

_SMALL_BATCH = 64  # below it, the paper sees no gain
_SMALL_GAIN = 0.02  # a gain (log loss ratio) that counts as none


def batch_sizes(measuring: Measuring) -> Result:
    """Claims about the size of the batch, at equal numbers of examples."""
    claims: list[Claim] = []
    rows: list[dict[str, Any]] = []
    for name in measuring.settings.batch_tasks:
        logs = _losses(measuring, untuned(name))
        gains = {batch: found.contrast([LION], [ADAMW]) for batch, found in logs.items()}
        rows += [
            {"task": name, "batch": batch, "mean": gain.mean, "low": gain.low, "high": gain.high}
            | {f"log_loss_{optimizer}": float(logs[batch].tables[optimizer].mean()) for optimizer in (LION, ADAMW)}
            for batch, gain in gains.items()
        ]
        claims += _claims(name, untuned(name), logs, gains)
    return Result("batches", tuple(claims), {"rows": rows})


def _losses(measuring: Measuring, base: Task) -> dict[int, LogLosses]:
    """Log losses of Lion and AdamW at each size of the batch, from the smallest."""
    entrants = {optimizer: entrant(optimizer) for optimizer in (LION, ADAMW)}
    budget = measuring.settings.batch_budget
    return {
        batch: LogLosses.of([measuring.compare(entrants, resized(base, batch), budget)])
        for batch in sorted(measuring.settings.batches)
    }


def _claims(name: str, base: Task, logs: Mapping[int, LogLosses], gains: Mapping[int, Estimate]) -> list[Claim]:
    sizes = [*gains]
    slope = slope_of([*logs.values()], sizes)
    best = {one: min(sizes, key=lambda batch: float(logs[batch].tables[one].mean())) for one in (LION, ADAMW)}
    lost = sum(sum(found.diverged.values()) for found in logs.values())
    diverged = f"; {lost} trainings diverged" if lost else ""
    limit = f"{base.batch * base.steps:,} examples in all, {resized(base, sizes[-1]).steps} steps of the largest"
    claims = [
        Claim(
            f"the gain of Lion over AdamW grows with the batch ({name})",
            "best batch 4,096 for Lion, 256 for AdamW",
            f"{slope.per_cent()} for each doubling, from {sizes[0]} to {sizes[-1]:,}; "
            f"best batch {best[LION]:,} for Lion, {best[ADAMW]:,} for AdamW{diverged}",
            slope.answer(negative=True),
            limit,
        )
    ]
    below = [gain for batch, gain in gains.items() if batch < _SMALL_BATCH]
    if below:
        claims.append(
            Claim(
                f"no gain of Lion below a batch of {_SMALL_BATCH} ({name})",
                f"no gain below {_SMALL_BATCH}",
                "; ".join(f"{gain.per_cent()} at {batch}" for batch, gain in gains.items() if batch < _SMALL_BATCH),
                majority([no_gain(gain) for gain in below]),
                "holds if the interval excludes a gain above 2 %",
            )
        )
    return claims


def slope_of(logs: Sequence[LogLosses], sizes: Sequence[int]) -> Estimate:
    """Slope of the log loss ratio of Lion to AdamW over the logarithm of the batch, for each doubling."""
    slopes = {}
    for name in (LION, ADAMW):
        tables = np.array([found.tables[name] for found in logs])
        if not np.all(np.isfinite(tables)):
            return Estimate(np.nan, np.nan, np.nan)
        slopes[name] = np.polyfit(np.log2(sizes), tables.reshape(len(tables), -1), 1)[0].reshape(tables[0].shape)
    diverged = {name for name in slopes for found in logs if found.diverged[name]}
    return Estimate.of(
        slopes[LION] - slopes[ADAMW], pooled_variance(slope for name, slope in slopes.items() if name not in diverged)
    )


def no_gain(gain: Estimate) -> Answer:
    """Whether an interval of log loss ratios excludes a gain that matters."""
    return Answer.HOLDS if gain.low > -_SMALL_GAIN else Answer.FAILS if gain.high < 0 else Answer.OPEN


def resized(task: Task, batch: int) -> Task:
    """A task with another size of the batch and equal examples in all."""
    return replace(task, name=f"{task.name}_batch{batch}", batch=batch, steps=max(1, task.batch * task.steps // batch))
