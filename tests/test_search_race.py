"""A race has a hurdle at each of its stages, and its history does not depend on how a run was cut or spread."""

import json
import math
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from primitives import builtin
from proxy_tasks.fitness import Score, Status
from search.algorithms.factory import build_engine as engine_of
from search.commands.panel import LivePanel
from search.engine.candidate import Candidate, Record
from search.engine.engine import Engine
from search.engine.hurdle import Hurdle
from search.record.chain import SEARCH_ENDED
from search.record.folder import open_journal
from search.record.journal import Journal
from search.running import run as runner
from search.settings.reading import build_config, read_config

WINDOW, POPULATION = 4, 10


def engine() -> Engine:
    """An engine with pretended tasks and a race of three stages."""
    config = build_config(
        {
            "search": {"children": 80, "population": POPULATION, "tournament": 3},
            "workers": {"in_flight": WINDOW},
            "evaluation": {"race": [3, 5], "race_margin": 0.02, "hurdle_margin": 0.1},
        }
    )
    return engine_of(config, builtin("adamw"), 0)


def pretend(candidate: Candidate) -> Score:
    """Fitnesses at three stages and on all seeds from the hash, rejected where the candidate's hurdles say so."""
    one, two, three, full = (int(candidate.hash[at : at + 8], 16) / 16**8 for at in (0, 8, 16, 24))
    reached = [one, one + two / 4, one + two / 4 + three / 4]
    heights = candidate.hurdle if not isinstance(candidate.hurdle, float) else [candidate.hurdle] * 3
    for stage, (fitness, height) in enumerate(zip(reached, heights, strict=True)):
        if fitness > height:
            return Score(Status.REJECTED, fitness, one, f"stage {stage}", {}, tuple(reached[1 : stage + 1]))
    return Score(Status.OK, full, one, "", {"digits": (0.5, 0.25)}, tuple(reached[1:]))


def history(machine: Engine, at_once: int = 1) -> list[Record]:
    """Run to the end, handing back the last of up to `at_once` candidates."""
    out: list[Candidate] = []
    records: list[Record] = []
    while not machine.done:
        while len(out) < at_once and (candidate := machine.ask()) is not None:
            out.append(candidate)
        if out:
            candidate = out.pop()
            machine.tell(candidate.number, pretend(candidate))
        records += machine.recorded()
    return records


RACED = history(engine())


def test_programs_are_dropped_at_every_stage() -> None:
    reasons = {record.score.reason for record in RACED}
    assert reasons == {"", "stage 0", "stage 1", "stage 2"}


def test_each_stage_has_a_hurdle_of_what_was_reached_there_a_window_ago() -> None:
    start = RACED[0].score
    for candidate, _ in RACED[1:]:
        known = [record.score for record in RACED[1 : max(1, candidate.number - WINDOW + 1)]]
        accepted = [start, *(score for score in known if score.status is Status.OK)]
        expected = []
        for stage, margin in enumerate((0.1, 0.02, 0.02)):
            rolling = Hurdle(POPULATION, 0.33, margin)
            for score in accepted:
                rolling.add((score.first_fitness, *score.later)[stage])
            expected.append(rolling.height)
        assert candidate.hurdle == expected


@pytest.mark.parametrize("at_once", [2, 16])
def test_the_history_does_not_depend_on_the_order_of_answers(at_once: int) -> None:
    assert history(engine(), at_once) == RACED


@pytest.mark.parametrize("cut", [0, 1, 17, 50, 80])
def test_a_history_goes_on_from_a_journal_as_if_it_had_not_been_cut(cut: int, tmp_path: Path) -> None:
    with Journal.create(tmp_path / "j", {"searches": 1}) as journal:
        journal.append(0, RACED[:cut])
        machine = engine()
        machine.restore(journal.history(0))
        assert history(machine, 3) == RACED[cut:]
        rows = list(journal.rows("status = 'ok' and matched = ''"))
    assert all(row.losses == {"digits": [0.5, 0.25]} for row in rows)


def test_a_starting_program_that_diverges_leaves_every_stage_open() -> None:
    machine = engine()
    start = machine.ask()
    assert start is not None
    machine.tell(0, Score(Status.DIVERGED, math.inf, math.inf, "pretended"))
    child = machine.ask()
    assert child is not None
    assert child.hurdle == [math.inf] * 3


SETTINGS = [
    "search.children=60",
    "evaluation={seeds: 4, first_seeds: 1, race: [2, 3], race_margin: 0, sanity_steps: 2}",
    "selection.tuning_trials=0",
]


def test_a_run_with_a_race_and_a_probe_is_resumed_to_the_same_digest(small_run: Path) -> None:
    config = read_config(small_run, SETTINGS)
    with LivePanel(quiet=True) as progress:
        whole = runner.run_search(config, Path("run"), progress)
        for cut in (1, 25):
            with closing(sqlite3.connect("run/journal.sqlite")) as connection, connection:
                assert connection.execute("delete from candidates where number > ?", (cut,)).rowcount == 60 - cut
                connection.execute("delete from notes where key = ?", (SEARCH_ENDED,))
            assert runner.resume_search(Path("run"), progress).digest == whole.digest
    statuses = whole.statistics["evaluated_by_status"]
    assert {"ok", "rejected", "unsound"} <= statuses.keys()
    with open_journal(Path("run")) as journal:
        reasons = [row.reason for row in journal.rows("status = 'unsound'")]
        trained = {len(row.losses["digits"]) for row in journal.rows("status = 'rejected' and matched = ''")}
    assert all(reason.startswith("sanity: ") for reason in reasons)
    assert trained > {1}


def test_without_a_race_a_row_holds_losses_alone(small_run: Path) -> None:
    with LivePanel(quiet=True) as progress:
        runner.run_search(
            read_config(small_run, ["search.children=3", "selection.tuning_trials=0"]), Path("run"), progress
        )
    with closing(sqlite3.connect("run/journal.sqlite")) as connection:
        written = [json.loads(losses) for (losses,) in connection.execute("select losses from candidates")]
    assert all(losses.keys() <= {"digits"} for losses in written)
