"""Evaluations that probes save in a run, and their error rate: `python -m benchmarks.probes RUN`."""

from search.execution import pin_threads

pin_threads()

import sys
from pathlib import Path

import numpy as np

from primitives import parse
from search.record import look
from search.running import evaluator
from search.settings import restore_config

PAIRS = 150
SAME = 0.01  # mean log ratio of losses below which two trainings count as equal


def main(run: Path) -> None:
    """Count duplicates, train pairs of candidates that the probe has matched, without hurdles, and print."""
    with look(run) as journal:
        config = restore_config(journal.meta()["config"] | {"program": "adamw"}, run)
        counts = journal.statistics()
        matched = list(journal.rows("matched = 'probe'"))
        partners = {(row.repeat, row.number): row for row in journal.rows("matched = ''")}
    saved = counts["probe_hits"] / (counts["probe_hits"] + counts["evaluated"])
    print(
        f"{counts['evaluated']:,} evaluated, {counts['hash_hits']:,} hits by hash, {counts['probe_hits']:,} by probe:"
    )
    print(f"the probe saves {saved * 100:.1f} % of the evaluations that the hash alone would leave")
    train = evaluator(config, range(config.evaluation.seeds))
    chosen = np.random.default_rng(0).permutation(len(matched))[:PAIRS]
    differences = []
    for index in chosen:
        row = matched[index]
        assert row.same_as is not None
        one, other = (train.evaluate(parse(r.program)) for r in (row, partners[row.repeat, row.same_as]))
        both_fail = not np.isfinite(one.fitness) and not np.isfinite(other.fitness)
        differences.append(0.0 if both_fail else abs(one.fitness - other.fitness))
    wrong = int(np.sum(~(np.array(differences) < SAME)))
    print(
        f"of {len(chosen)} pairs trained, {wrong} differ in fitness by {SAME} or more (largest {max(differences):.3f})"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
