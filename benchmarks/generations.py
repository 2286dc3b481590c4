"""Costs of a generation of `structures` beside its trainings, and batches of programs on different seeds.

`python -m benchmarks.accelerator` prints the table of `costs`, and on an accelerator the other sections.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.limits import Limit, Section, table
from primitives import Program
from proxy_tasks import Task, Trainer, train_on_own_seeds
from search.algorithms import structure_nursery
from search.algorithms.structures.cells import Front, Incumbent
from search.algorithms.structures.corpus import corpus
from search.algorithms.structures.offspring import Helpers, NoHelpers, Simplification, bred_by
from search.algorithms.structures.replay import Replay
from search.execution import HelperPool
from search.settings import CORPUS, build_config

CHILDREN = 240  # four generations of 60
CONFIG = build_config({"search": {"algorithm": "structures"}})
PARENTS = corpus(CORPUS)
SHARE = 0.8  # least share of the rate with common seeds at which programs with seeds of their own are trained
APART = 0.005  # largest median difference of a loss from that of the program alone, as for other batches
TWIN = CONFIG.search.structures.near_twin


def front() -> Front:
    """Published optimizers as incumbents."""
    found = Front(reach=1.0, shared=0.5)
    for number, program in enumerate(PARENTS):
        found.enter(Incumbent(program, number, 0.01 * number, 0.0, (0.0,)))
    return found


def children(key: int, helpers: Helpers | None = None, count: int = CHILDREN) -> list[Program]:
    """Children of published optimizers."""
    breeders = helpers or NoHelpers(structure_nursery(CONFIG))
    return [offspring.child.program for offspring in bred_by(breeders, front(), (key, 0), range(count))]


def generation(key: int, helpers: Helpers, count: int) -> list[tuple[Program, Program]]:
    """Children and their simplified forms."""
    bred = children(key, helpers, count)
    waits = [helpers.ask(Simplification(program)) for program in bred]
    return [(program, wait()) for program, wait in zip(bred, waits, strict=True)]


def _timed(call: Callable[[], Any], clock: Callable[[], float]) -> tuple[Any, float]:
    before = clock()
    return call(), clock() - before


def costs(task: Task, count: int = CHILDREN) -> Section:
    """CPU time that a child takes before its first training."""
    nursery = structure_nursery(CONFIG)
    replay = Replay(task, PARENTS[-1], 0)
    replay.updates(PARENTS[0])  # compiles it
    bred, breeding = _timed(lambda: children(1, count=count), time.process_time)
    parts: dict[str, Callable[[], object]] = {
        "simplification": lambda: [nursery.answer(Simplification(program)) for program in bred],
        f"replay on {task.name}, one by one": lambda: [replay.updates(program) for program in bred],
    }
    seconds = {"breeding, with the digest of the structure": breeding}
    seconds |= {name: _timed(part, time.process_time)[1] for name, part in parts.items()}
    rows = [[name, f"{1000 * value / len(bred):.2f}"] for name, value in seconds.items()]
    lines = ["## A child before its first training", "", f"Means of {len(bred)} children of published optimizers.", ""]
    short = Limit("numbers without a child", count - len(bred), 0)
    return Section([*lines, *table(["part", "CPU ms per child"], rows)], [short])


def answering() -> Callable[[Any], Any]:
    """The function of a helper that answers requests."""
    return structure_nursery(CONFIG).answer


def helpers(number: int, count: int = CHILDREN) -> Section:
    """Breeding and simplification with helper processes, and without."""
    alone = NoHelpers(structure_nursery(CONFIG))
    expected, before = _timed(lambda: generation(2, alone, count), time.perf_counter)
    said: list[str] = []
    with HelperPool(answering, answering(), count=number, say=said.append) as pool:
        generation(3, pool, 2 * number)  # waits until they have started
        found, after = _timed(lambda: generation(2, pool, count), time.perf_counter)
    lines = [
        "## Helper processes",
        "",
        f"{count} children are bred and simplified in {before:.2f} s in this process, and in {after:.2f} s by {number} "
        f"helper processes.",
        *said,
    ]
    different = sum(one != other for one, other in zip(expected, found, strict=True))
    return Section(
        lines,
        [
            Limit("children that are others with helpers", different, 0),
            Limit("helpers that failed", len(said), 0),
            Limit(f"share of the time with {number} helpers", after / before, 0.6),
        ],
    )


def own_seeds(task: Task, size: int = 32, seeds: int = 3) -> Section:
    """Programs on seeds of their own in one batch, beside a batch on common seeds and programs one by one."""
    programs = children(4, count=size)
    blocks = [range(seeds * place, seeds * (place + 1)) for place in range(size)]
    common = Trainer(task, range(seeds))

    def own() -> np.ndarray:
        return train_on_own_seeds(task, programs, blocks, "validation")

    def together() -> np.ndarray:
        return common.losses_of(programs, together=True)

    found = own(), together()  # compiles the loops
    (again, mine), (_, shared) = (_timed(call, time.perf_counter) for call in (own, together))
    alone = np.stack([Trainer(task, block).losses(one) for one, block in zip(programs, blocks, strict=True)])
    with np.errstate(all="ignore"):
        apart = float(np.nanmedian(np.abs(found[0] / alone - 1)))
    lines = [
        f"## Programs on {size} different blocks of seeds, {task.name}",
        "",
        f"{size / mine:,.0f} programs per second in one batch, {size / shared:,.0f} on common seeds; losses differ by "
        f"{apart:.2%} from those of single programs (median).",
    ]
    return Section(
        lines,
        [
            Limit(f"share of the rate with common seeds, {task.name}", shared / mine, SHARE, at_least=True),
            Limit(f"median difference of a loss from that alone, {task.name}", apart, APART),
            Limit(f"other bits the second time, {task.name}", int(not np.array_equal(found[0], again, True)), 0),
        ],
    )


def replays(task: Task, count: int = CHILDREN) -> Section:
    """Replays in batches, beside replays one by one."""
    programs, replay = children(5, count=count), Replay(task, PARENTS[-1], 0)

    def decisions() -> list[tuple[bool, bool]]:
        return [(replay.descends(one), replay.residual(one, PARENTS[-1]) < TWIN) for one in programs]

    def in_batches() -> list[tuple[bool, bool]]:
        replay.prepare([*programs, PARENTS[-1]])
        return decisions()

    def one_by_one() -> list[tuple[bool, bool]]:
        replay.prepare(())  # forgets all
        return decisions()

    one_by_one()  # compiles it
    in_batches()
    expected, slow = _timed(one_by_one, time.perf_counter)
    replay.prepare(())
    found, fast = _timed(in_batches, time.perf_counter)
    different = sum(one != other for one, other in zip(expected, found, strict=True))
    lines = [
        f"## Replays, {task.name}",
        "",
        f"{count / fast:,.0f} per second in batches, {count / slow:,.0f} one by one.",
    ]
    return Section(
        lines,
        [
            Limit(f"children that are dropped in one way only, {task.name}", different, 0),
            Limit(f"share of the time in batches, {task.name}", fast / slow, 1.0),
        ],
    )
