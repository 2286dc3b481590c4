"""The loop between engines, executor and journal: ask, score, tell, record."""

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from proxy_tasks.fitness import Score, Status
from search.commands.panel import Progress
from search.engine.engine import Engine
from search.execution.executor import Executor, Job, Key
from search.execution.process import rare_collection
from search.record.journal import Journal
from search.running.overfitting import Checks


def search(
    engines: Mapping[int, Engine],
    executor: Executor,
    journal: Journal,
    progress: Progress,
    stop: list[int],
    checks: Checks | None = None,
) -> None:
    """Score candidates until all are recorded, or until asked to stop; then let what is in flight finish.

    The engines are independent of each other: the first that has a candidate is served first, the others fill the
    workers that it leaves idle. But what ended its worker in one of them, now or before the run was resumed, has the
    same score in all, and is not tried again.

    Args:
        engines: by the number of their repeat.
        executor: scores.
        journal: keeps what is recorded.
        progress: is told of it.
        stop: not empty once somebody wants to stop.
        checks: look at the best so far at intervals.
    """
    in_flight = 0
    crashed = {
        row.hash: Score(Status.CRASHED, row.fitness, row.first_fitness, row.reason)
        for row in journal.rows(f"status = '{Status.CRASHED}' and matched = ''")
    }

    def tell(key: Key, score: Score) -> None:
        nonlocal in_flight
        repeat, number = key
        engines[repeat].tell(number, score)
        in_flight -= 1

    def record() -> None:
        for repeat, engine in engines.items():
            records = engine.recorded()
            crashed.update(
                (r.candidate.hash, r.score) for r in records if r.evaluated and r.score.status is Status.CRASHED
            )
            journal.append(repeat, records)
            progress.recorded(records)

    for repeat, engine in engines.items():
        if checks:
            checks.watch(repeat, engine)
    with rare_collection():
        while in_flight or not (stop or all(engine.done for engine in engines.values())):
            for repeat, engine in engines.items():
                while not stop and executor.free() and (candidate := engine.ask()) is not None:
                    if candidate.hash in crashed:
                        engine.tell(candidate.number, crashed[candidate.hash])
                        continue
                    executor.submit(Job((repeat, candidate.number), candidate.program, candidate.hurdle))
                    in_flight += 1
            for key, score in executor.collect():
                tell(key, score)
            record()
            for repeat, engine in engines.items():
                if checks and not stop:
                    checks.look(repeat, engine, tell)
    record()  # what came in during a check


@contextmanager
def stoppable(progress: Progress) -> Iterator[list[int]]:
    """A list that fills when the user asks to stop; a second Ctrl-C interrupts at once."""
    asked: list[int] = []

    def ask(number: int, _: object) -> None:
        asked.append(number)
        progress.stopping()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    old = signal.signal(signal.SIGINT, ask)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, old)
