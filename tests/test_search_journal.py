"""The journal keeps every row, gives back what it was given, and refuses what is not one."""

import sqlite3
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from primitives import UserError
from search.journal import Journal
from tests.test_search_engine import REFERENCE, past


def journal_of(path: Path, records: int = len(REFERENCE)) -> Journal:
    journal = Journal.create(path, {"config": {"seed": 1}})
    journal.append(0, REFERENCE[:records])
    return journal


def test_what_is_appended_comes_back(tmp_path: Path) -> None:
    with journal_of(tmp_path / "j") as journal:
        assert list(journal.past(0)) == [past(record) for record in REFERENCE]
        assert journal.meta() == {"config": {"seed": 1}}
        rows = list(journal.rows())
    assert [row.number for row in rows] == [record.candidate.number for record in REFERENCE]
    assert [row.parent for row in rows] == [record.candidate.parent for record in REFERENCE]


def test_it_is_there_after_closing_and_opening(tmp_path: Path) -> None:
    with journal_of(tmp_path / "j") as journal:
        digest = journal.digest()
    with Journal.open(tmp_path / "j") as again:
        assert again.digest() == digest
        assert len(list(again.past(0))) == len(REFERENCE)


def test_the_digest_sees_a_dropped_row_a_changed_fitness_and_a_second_repeat(tmp_path: Path) -> None:
    digests = set()
    for name, statement in {
        "whole": "select 1",
        "dropped": "delete from candidates where number = 30",
        "changed": "update candidates set fitness = fitness + 1e-12 where number = 0",
        "moved": "update candidates set parent = 0 where parent > 0",
        "repeated": "insert into candidates select 1, number, parent, mutation, program, hash, fitness, 0.5, status, "
        "reason, same_as, statements, live, dropped, losses from candidates where number = 0",
    }.items():
        journal_of(tmp_path / name).close()
        with closing(sqlite3.connect(tmp_path / name)) as connection, connection:
            connection.execute(statement)
        with Journal.open(tmp_path / name) as journal:
            digests.add(journal.digest())
    assert len(digests) == 5


def test_the_digest_does_not_depend_on_how_rows_were_batched(tmp_path: Path) -> None:
    with Journal.create(tmp_path / "one", {}) as single, journal_of(tmp_path / "all") as together:
        for record in REFERENCE:
            single.append(0, [record])
        assert single.digest() == together.digest()


def test_a_batch_that_fails_leaves_nothing_of_itself(tmp_path: Path) -> None:
    with journal_of(tmp_path / "j", 10) as journal:
        with pytest.raises(sqlite3.IntegrityError):
            journal.append(0, [*REFERENCE[10:20], REFERENCE[5]])
        assert len(list(journal.past(0))) == 10


def test_the_best_are_distinct_scored_in_full_and_in_order(tmp_path: Path) -> None:
    with journal_of(tmp_path / "j") as journal:
        best = journal.best(5)
    assert len({row.hash for row in best}) == 5
    assert [row.fitness for row in best] == sorted(row.fitness for row in best)
    lowest = min(score.fitness for _, score in REFERENCE if score.status == "ok")
    assert best[0].fitness == lowest


def test_a_lineage_leads_from_the_start_to_the_candidate(tmp_path: Path) -> None:
    with journal_of(tmp_path / "j") as journal:
        line = journal.lineage(0, 60)
    assert line[0].number == 0
    assert line[-1].number == 60
    for parent, child in pairwise(line):
        assert child.parent == parent.number


def test_the_statistics_add_up(tmp_path: Path) -> None:
    with journal_of(tmp_path / "j") as journal:
        counts = journal.statistics()
    assert counts["children"] == len(REFERENCE)
    assert counts["evaluated"] + counts["cache_hits"] == counts["children"]
    assert sum(counts["evaluated_by_status"].values()) == counts["evaluated"]
    assert set(counts["evaluated_by_status"]) == {"ok", "rejected", "diverged"}
    statements = sum(len(r.candidate.program.statements) for r in REFERENCE)
    redundant = statements - sum(r.candidate.live for r in REFERENCE)
    assert counts["redundant_share"] == pytest.approx(redundant / statements)


def test_what_is_not_a_journal_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not a journal" * 100)
    (tmp_path / "empty").write_bytes(b"")
    with closing(sqlite3.connect(tmp_path / "other")) as connection:
        connection.executescript("create table t (x); insert into t values (1)")
    for name in ("text", "empty", "other", "missing"):
        with pytest.raises(UserError, match=r"is not a journal of optsearch|there is no journal"):
            Journal.open(tmp_path / name)
    assert not (tmp_path / "missing").exists()


def test_a_journal_of_a_later_format_is_refused(tmp_path: Path) -> None:
    journal_of(tmp_path / "j").close()
    connection = sqlite3.connect(tmp_path / "j")
    connection.execute("pragma user_version = 99")
    connection.close()
    with pytest.raises(UserError, match="has format 99"):
        Journal.open(tmp_path / "j")
