"""Curves of a run as TensorBoard event files."""

import math
from pathlib import Path
from typing import Any

from primitives import UserError
from search.running import Snapshot


class Curves:
    """Writes one point of each curve per snapshot of a run; the step is the number of recorded candidates.

    Args:
        folder: receives the event files.

    Raises:
        UserError: tensorboardX is not installed.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from tensorboardX import SummaryWriter
        except ImportError:
            raise UserError("`--tensorboard` needs tensorboardX: `pip install tensorboardX`") from None
        self._writer: Any = SummaryWriter(str(folder))

    def add(self, now: Snapshot, rates: tuple[float, float]) -> None:
        """Write the points of a snapshot.

        Args:
            now: the snapshot.
            rates: candidates and evaluations per second; NaN if unknown.
        """
        counts = now.counts
        values = {
            "fitness/best": counts.best_fitness,
            "fitness/tuned_lion": math.nan if now.lion is None else now.lion,
            "search/evaluated": counts.evaluated,
            "search/cache_hits": counts.children - counts.evaluated,
            "search/candidates_per_second": rates[0],
            "search/length_of_the_best": now.front[-1].live if now.front else math.nan,
            "selection/trainings": now.trained,
        }
        for name, value in values.items():
            if math.isfinite(value):
                self._writer.add_scalar(name, value, counts.children)
        self._writer.flush()

    def close(self) -> None:
        """Close the files."""
        self._writer.close()
