"""Signals at random moments of commands: `python -m tests.signals [COMMAND…] [--rounds N] [--seed N]`.

Each round starts a command in a process of its own and sends one of SIGINT, SIGTERM, SIGHUP and SIGKILL at a random
moment. The process must end with the status of the signal, or with that of success if it was about to end, and without
a traceback. The same command, or `resume` for a run, must then give the results of an undisturbed one.
"""

import argparse
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conftest import SMALL_RUN
from tests.processes import HEARS, begin

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)
ENTRY = HEARS + "import sys; from search.commands.start import main; sys.exit(main())"
SLOWEST = 120.0  # seconds for a command to end after a signal
CONFIG = SMALL_RUN.replace("children: 40", "children: 15")
STAGES = "selection.stages=[{tasks: [digits_x10], programs: 2, budget: 2, tuning_seeds: 1, tunings: 1, seeds: 5}]"
BASELINES = "selection.baselines=[adamw, lion]"
VARYING = {"seconds", "minutes", "report", "trained", "hosts"}  # keys of results that may differ between runs


@dataclass(frozen=True)
class Command:
    """A command that is disturbed.

    Attributes:
        arguments: the command.
        again: what gives the results after a signal, if that is another command.
        prepared: a folder that it needs.
    """

    arguments: tuple[str, ...]
    again: tuple[str, ...] = ()
    prepared: str = ""


COMMANDS = {
    "run": Command(("run", "small.yaml", "--out", "folder", "--json"), again=("resume", "folder", "--json")),
    "select": Command(("select", "folder", "--set", STAGES, "--set", BASELINES, "--json"), prepared="folder"),
    "simplify": Command(("simplify", "lion_raw", "--json")),
    "reproduce": Command(("reproduce", "lion", "--config", "small.yaml", "--seeds", "2", "--out", "account", "--json")),
    "compare": Command(("compare", "small.yaml", "random.yaml", "--out", "compared", "--json")),
}


def steady(value: Any) -> Any:
    """Results without what may differ between equal runs: durations, and counts of trainings of this process."""
    if isinstance(value, dict):
        return {key: steady(part) for key, part in value.items() if key not in VARYING}
    return [steady(part) for part in value] if isinstance(value, list) else value


def completed(arguments: tuple[str, ...], folder: Path) -> tuple[Any, float]:
    """Results of an undisturbed command, and the seconds it took."""
    started = time.monotonic()
    process = begin(*arguments, code=ENTRY, folder=folder)
    out, err = process.communicate(timeout=600)
    if process.returncode:
        raise AssertionError(f"{' '.join(arguments)}: status {process.returncode}: {err}")
    return steady(json.loads(out)), time.monotonic() - started


def disturbed(command: Command, folder: Path, number: signal.Signals, delay: float) -> str:
    """Run a command with a signal after some seconds, and then again; returns how it ended."""
    process = begin(*command.arguments, code=ENTRY, folder=folder)
    try:
        process.communicate(timeout=delay)
    except subprocess.TimeoutExpired:
        process.send_signal(number)
    _, err = process.communicate(timeout=SLOWEST)
    expected = {0, -number, 128 + number}
    if process.returncode not in expected:
        raise AssertionError(f"status {process.returncode}, not one of {sorted(expected)}: {err}")
    if "Traceback" in err:
        raise AssertionError(err)
    return "ended before" if not process.returncode else "ended by it"


def check(name: str, rounds: int, chance: random.Random) -> int:
    """Disturb a command in several rounds; returns the number of failures, which are printed."""
    command, failures = COMMANDS[name], 0
    with tempfile.TemporaryDirectory() as place:
        clean = Path(place, "clean")
        clean.mkdir()
        (clean / "small.yaml").write_text(CONFIG)
        (clean / "random.yaml").write_text(CONFIG.replace("children: 15", "algorithm: random, children: 15"))
        if command.prepared:
            completed(COMMANDS["run"].arguments, clean)
        for cache in ("empty", "filled"):  # of compiled code; the second takes as long as those that are disturbed
            whole = Path(place, cache)
            shutil.copytree(clean, whole)
            expected, seconds = completed(command.arguments, whole)
        for turn in range(rounds):
            for number in SIGNALS:
                folder, delay = Path(place, f"{turn}-{number}"), chance.uniform(0.0, seconds)
                shutil.copytree(clean, folder)
                try:
                    how = disturbed(command, folder, number, delay)
                    begun = name != "run" or (folder / "folder" / "journal.sqlite").exists()
                    found, _ = completed(command.again if begun and command.again else command.arguments, folder)
                    if found != expected:
                        raise AssertionError("the results differ from those of an undisturbed command")
                    print(f"{name}: {number.name} after {delay:.2f} s of {seconds:.2f}: {how}", flush=True)
                except (AssertionError, subprocess.TimeoutExpired) as error:
                    failures += 1
                    print(f"{name}: {number.name} after {delay:.2f} s FAILED: {error}", flush=True)
                shutil.rmtree(folder)
    return failures


def main() -> int:
    """Disturb the wanted commands, by default all of them; the exit status is 1 if one failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commands", nargs="*", help=", ".join(COMMANDS))
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    failures = sum(check(name, options.rounds, chance) for name in options.commands or COMMANDS)
    print(f"{failures} failures")
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main())
