"""The search loop: asks engines for candidates, scores them in an executor, and records the results."""

import threading
from collections.abc import Mapping

from proxy_tasks import Score, Status
from search.engine import Engine
from search.execution import CandidateJob, CandidateKey, Executor, TrialAnswer, rare_collection
from search.record import Journal
from search.running.overfitting import Checks
from search.running.reporter import Reporter


def search(
    engines: Mapping[int, Engine],
    executor: Executor,
    journal: Journal,
    *,
    reporter: Reporter,
    stop: threading.Event,
    checks: Checks | None = None,
) -> None:
    """Score candidates until all are recorded or a stop is requested; then wait for candidates in flight.

    Engines are independent. Candidates of the first unfinished repeat have precedence; later repeats use the remaining
    workers. A program that crashed its worker in one repeat, also before a resume, gets the same score in all repeats
    and is not run again.

    Args:
        engines: engine of each repeat, by number.
        executor: scores candidates.
        journal: receives the records.
        reporter: receives the records too.
        stop: set when the user requests a stop.
        checks: checks for meta-overfitting, run at intervals.
    """
    in_flight = 0
    crashed = {
        row.hash: Score(Status.CRASHED, row.fitness, row.first_fitness, row.reason)
        for row in journal.rows(f"status = '{Status.CRASHED}' and matched = ''")
    }

    def take_score(key: CandidateKey, score: Score) -> None:
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
            reporter.candidates_recorded(records)

    for repeat, engine in engines.items():
        if checks:
            checks.pause_at_next(repeat, engine)
    with rare_collection():
        while in_flight or not (stop.is_set() or all(engine.done for engine in engines.values())):
            for repeat, engine in engines.items():
                while not stop.is_set() and executor.free() and (candidate := engine.ask()) is not None:
                    if candidate.hash in crashed:
                        engine.tell(candidate.number, crashed[candidate.hash])
                        continue
                    executor.submit(CandidateJob((repeat, candidate.number), candidate.program, candidate.hurdle))
                    in_flight += 1
            for answer in executor.collect():
                assert not isinstance(answer, TrialAnswer)
                take_score(*answer)
            record()
            for repeat, engine in engines.items():
                if checks and not stop.is_set():
                    checks.examine(repeat, engine, take_score)
    record()  # scores that arrived during a check
