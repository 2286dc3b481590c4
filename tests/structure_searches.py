"""Searches of the algorithm `structures` with losses that are computed from the text of a program, without training."""

from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np

from primitives import PAPER, builtin, parse, to_text
from primitives.dataflow import live_part
from primitives.program import Program
from primitives.registry import by_names
from proxy_tasks.catalog import builtin_task
from proxy_tasks.task import Task
from search.algorithms.structures.offspring import Helpers
from search.algorithms.structures.search import StructureSearch
from search.engine.candidate import Record
from search.settings.structures import StructureSettings
from selection.trials import Trial, Work

TWO_BETAS = ("m2 = interp(g, m, 0.9)", "update = sign(m2)", "m = interp(g, m, 0.99)")


def loss_of(trial: Trial) -> np.ndarray:
    """A loss that grows with `w`, falls with `sign` and with constants near 0.5, and differs between seeds."""
    text = to_text(live_part(trial.entrant)) if isinstance(trial.entrant, Program) else str(trial.entrant)
    constants = [value for *_, value in parse(text).constants()]
    base = 1.0 - 0.2 * ("sign" in text) + 0.02 * sum(abs(value - 0.5) for value in constants[:2])
    noise = [int.from_bytes(blake2b(f"{text} {seed}".encode(), digest_size=2).digest(), "big") for seed in trial.seeds]
    return base * (1 + 1e-6 * np.array(noise))


def completed(works: Sequence[Work], losses: Callable[[Trial], np.ndarray] = loss_of) -> list:  # type: ignore[type-arg]
    """Results of works whose trials are answered at once."""
    results = []
    for work in works:
        try:
            trials = next(work)
            while True:
                trials = work.send([losses(trial) for trial in trials])
        except StopIteration as end:
            results.append(end.value)
    return results


def settings(**changes: Any) -> StructureSettings:
    """Settings for tests without training: no replay."""
    return StructureSettings.model_validate(
        {"near_twin": 0.0, "descent": False, "simplify": False, "generation": 12} | changes
    )


def tasks() -> list[Task]:
    return [builtin_task("digits")]


def searched(
    children: int = 40,
    fail_after: int | None = None,
    known: dict[Any, Any] | None = None,
    helpers: Helpers | None = None,
    **changes: Any,
) -> list[Record]:
    """Records of a search; after `fail_after` trials that are not known it is killed."""
    search = StructureSearch(
        settings(**changes),
        tasks=tasks(),
        prices=(0.015, 0.02),
        primitives=by_names(list(PAPER)),
        key=(5, 0),
        children=children,
        helpers=helpers,
    )
    records: list[Record] = []
    losses: dict = {} if known is None else known  # type: ignore[type-arg]
    left = [fail_after]

    def answer(trial: Trial) -> np.ndarray:
        if trial.key not in losses:
            if left[0] is not None:
                left[0] -= 1
                if left[0] < 0:
                    raise KeyboardInterrupt
            losses[trial.key] = loss_of(trial)
        return np.asarray(losses[trial.key])

    completed([search.run(builtin("adamw"), records.extend, lambda: False)], answer)
    return records


def rows(records: Sequence[Record]) -> list[tuple[object, ...]]:
    return [(*record.candidate[:4], *record.candidate[7:9], record.score) for record in records]
