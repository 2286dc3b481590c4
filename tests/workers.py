"""Scorers for tests of workers: instant ones, and ones that misbehave on command.

A program `update = g * c` is scored c; some constants are commands.
"""

import os
import signal
import time
from pathlib import Path
from typing import Any

from primitives import UserError, parse
from primitives.program import Program
from proxy_tasks.fitness import Heights, Score, Status
from search.execution.executor import CandidateJob, Job
from search.execution.worker import Built

DIES, HANGS, EATS, FAILS, FREEZES = 1001.0, 1002.0, 1003.0, 1004.0, 1005.0
FACTS = {"versions": {"jax": "1"}, "tasks": {"digits": {"noise": 0.1}}}


def job(number: int, command: float | None = None) -> Job:
    """A job whose score is its number, or that is a command."""
    constant = float(number) if command is None else command
    return CandidateJob((0, number), program(constant), 0.0)


def program(constant: float) -> Program:
    """A program whose score is its constant."""
    return parse(f"def train(w, g, m, v, lr):\n    update = g * {float(constant)}\n    return update, m, v\n")


class Obedient:
    """Does what constants say, and notes in a folder which process scored what."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def evaluate(self, program: Program, hurdle: Heights) -> Score:
        (command,) = (value for *_, value in program.constants())
        with (self._folder / str(command)).open("a") as file:
            file.write(f"{os.getpid()}\n")
        if command == DIES:
            os.kill(os.getpid(), signal.SIGKILL)
        if command == FREEZES:
            os.kill(os.getpid(), signal.SIGSTOP)
        if command == HANGS:
            time.sleep(3600)
        if command == EATS:
            hoard = [bytes(range(256)) * 2**18 for _ in range(64)]
            time.sleep(60)
            assert hoard
        if command == FAILS:
            raise UserError("a primitive of the user's own is broken")
        return Score(Status.OK, command, command)


def obedient(folder: Path) -> Built:
    return Built(Obedient(folder), FACTS)


def other_version(folder: Path) -> Built:
    return Built(Obedient(folder), FACTS | {"versions": {"jax": "2"}})


def other_data(folder: Path) -> Built:
    return Built(Obedient(folder), FACTS | {"tasks": {"digits": {"noise": 0.2}}})


def dies_at_start(folder: Path) -> Built:
    os._exit(3)


def hangs_at_start(folder: Path) -> Built:
    time.sleep(3600)
    return obedient(folder)


def hangs_at_first(folder: Path) -> Built:
    """Only the first worker hangs."""
    if not (folder / "hung").exists():
        (folder / "hung").write_text(str(os.getpid()))
        time.sleep(3600)
    return obedient(folder)


def fails_at_start(folder: Path) -> Built:
    raise UserError("`search.plugins`: module `mine` cannot be imported")


def processes(folder: Path, command: float) -> list[int]:
    """The processes that were given a command, in order."""
    return [int(line) for line in (folder / str(command)).read_text().split()]


def settle(executor: Any, jobs: list[Job]) -> dict[tuple[int, int], Score]:
    """Scores of all jobs."""
    for one in jobs:
        executor.submit(one)
    scores: dict[tuple[int, int], Score] = {}
    while len(scores) < len(jobs):
        found = executor.collect()
        assert found, "nothing is in flight, and yet jobs are without a score"
        for key, score in found:
            assert key not in scores
            scores[key] = score
    assert executor.collect() == []
    return scores
