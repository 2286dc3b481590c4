"""A driver on a host of a test cluster: scores numbered jobs for some seconds, and prints what it was told as JSON."""

import json
import math
import os
import socket
import sys
import time
from functools import partial
from pathlib import Path

from primitives import UserError
from primitives.program import Program
from proxy_tasks.fitness import Heights, Score
from search.execution.executor import CandidateAnswer, CandidateJob, WorkersLostError
from search.execution.messages import BEHAVIOUR, RaySettings
from search.execution.ray_executor import RayExecutor
from search.execution.worker import Built
from tests.workers import Obedient, program

FACTS = {BEHAVIOUR: {"function add": "1", "function sign": "1"}}


class Slow(Obedient):
    """Takes some seconds for each job."""

    def __init__(self, folder: Path, seconds: float) -> None:
        super().__init__(folder)
        self._seconds = seconds

    def evaluate(self, program: Program, hurdle: Heights) -> Score:
        time.sleep(self._seconds)
        return super().evaluate(program, hurdle)


def build(other: str, slow: str) -> Built:
    """A scorer; the host `other` computes another sign, and the host `slow` takes four times as long."""
    host = socket.gethostname()
    sign = "2" if host == other else "1"
    scorer = Slow(Path("/dev/shm"), 0.4 if host == slow else 0.1)
    return Built(scorer, {BEHAVIOUR: {"function add": "1", "function sign": sign}})


def main() -> None:
    """Read settings from the arguments: `address` and `seconds`, perhaps `count`, `ready`, `other`, `slow`, `mixed`.

    With `ready`, the seconds begin when that many workers are ready.
    """
    options = json.loads(sys.argv[1])
    began = time.monotonic()

    def tell(kind: str, value: object) -> None:
        print(json.dumps([kind, round(time.monotonic() - began, 1), value]), flush=True)

    settings = RaySettings(
        count=options.get("count"),
        address=options["address"],
        wall_limit=options.get("wall_limit", 60.0),
        reconnect=120.0,
        mixed=options.get("mixed", False),
    )
    number, done, wrong = 0, 0, 0
    until = math.inf if "ready" in options else began + options["seconds"]
    try:
        with RayExecutor(
            partial(build, options.get("other", ""), options.get("slow", "")),
            FACTS,
            settings,
            say=partial(tell, "say"),
        ) as executor:
            tell("started", os.getpid())
            while time.monotonic() < until or done < number:
                if until == math.inf and executor.describe().startswith(f"{options['ready']} of"):
                    until = time.monotonic() + options["seconds"]
                    tell("ready", options["ready"])
                while executor.free() and time.monotonic() < until:
                    executor.submit(CandidateJob((0, number), program(number % 1000), 0.0))
                    number += 1
                for answer in executor.collect():
                    assert isinstance(answer, CandidateAnswer)
                    done += 1
                    wrong += answer.score.fitness != answer.key[1] % 1000
                tell("done", done)
            tell("hosts", executor.usage)
            tell("end", {"submitted": number, "done": done, "wrong": wrong})
    except (UserError, WorkersLostError) as error:
        tell("error", str(error))
