"""The journal keeps every row, gives back what it was given, and refuses what is not one."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from primitives import UserError
from search.record.journal import Journal
from search.record.repairs import repair
from tests.test_search_engine import REFERENCE, entry_of

META = {"config": {"seed": 1}, "searches": 6}


def journal_of(path: Path, records: int = len(REFERENCE)) -> Journal:
    journal = Journal.create(path, META)
    journal.append(0, REFERENCE[:records])
    return journal


def test_what_is_appended_comes_back(tmp_path: Path) -> None:
    with journal_of(tmp_path / "j") as journal:
        assert list(journal.history(0)) == [entry_of(record) for record in REFERENCE]
        assert journal.meta() == META
        rows = list(journal.rows())
    assert [row.number for row in rows] == [record.candidate.number for record in REFERENCE]
    assert [row.parent for row in rows] == [record.candidate.parent for record in REFERENCE]


def test_it_is_there_after_closing_and_opening(tmp_path: Path) -> None:
    with journal_of(tmp_path / "j") as journal:
        digest = journal.digest()
    with Journal.open(tmp_path / "j") as again:
        assert again.digest() == digest
        assert len(list(again.history(0))) == len(REFERENCE)


ALTERED = {
    "delete from candidates where number = 30": 30,
    "delete from candidates where number = 0": 0,
    "update candidates set fitness = fitness + 1e-12 where number = 12": 12,
    "update candidates set parent = 0 where number = 40": 40,
    "update candidates set program = replace(program, '0.9', '0.8') where number = 7": 7,
    "update candidates set matched = 'probe' where number = 5": 5,
    "update candidates set number = 99 where number = 20": 20,
}


@pytest.mark.parametrize("statement", ALTERED)
def test_a_row_that_was_lost_or_altered_is_found_and_what_was_before_is_taken_over(
    tmp_path: Path, statement: str
) -> None:
    path = tmp_path / "journal.sqlite"
    with journal_of(path) as journal:
        journal.append(1, REFERENCE[:9])
    with closing(sqlite3.connect(path)) as connection, connection:
        assert connection.execute(f"{statement} and repeat = 0").rowcount == 1
    number = ALTERED[statement]
    with (
        Journal.open(path) as journal,
        pytest.raises(UserError, match=rf"is damaged: altered at candidate {number} of repeat 0; .*--repair"),
    ):
        list(journal.history(0))
    assert repair(path) == number + 9
    with Journal.open(path) as journal:
        assert list(journal.history(0)) == [entry_of(record) for record in REFERENCE[:number]]
        assert list(journal.history(1)) == [entry_of(record) for record in REFERENCE[:9]]
        journal.append(0, REFERENCE[number:])
        digest = journal.digest()
    with journal_of(tmp_path / "whole") as journal:
        journal.append(1, REFERENCE[:9])
        assert journal.digest() == digest
    assert (tmp_path / "journal.sqlite.damaged-1").exists()


def test_a_file_with_its_end_cut_off_is_mended(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with journal_of(path) as journal:
        for repeat in range(1, 6):
            journal.append(repeat, REFERENCE)
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.truncate(size * 2 // 3)
    with pytest.raises(UserError, match=r"is damaged: database disk image is malformed"):
        Journal.open(path)
    kept = repair(path)
    assert len(REFERENCE) <= kept < 6 * len(REFERENCE)
    with Journal.open(path) as journal:
        assert sum(len(list(journal.history(repeat))) for repeat in range(6)) == kept


def test_a_write_ahead_log_with_its_end_cut_off_loses_only_that(tmp_path: Path) -> None:
    journal = journal_of(tmp_path / "j", 20)
    journal.append(0, REFERENCE[20:30])
    journal.append(0, REFERENCE[30:40])
    for name in ("j", "j-wal"):
        (tmp_path / f"copy{name[1:]}").write_bytes((tmp_path / name).read_bytes())
    journal.close()
    with (tmp_path / "copy-wal").open("r+b") as file:
        file.truncate((tmp_path / "copy-wal").stat().st_size - 100)
    with Journal.open(tmp_path / "copy") as copy:
        assert list(copy.history(0)) == [entry_of(record) for record in REFERENCE[:30]]


def test_where_there_is_no_room_it_says_so_and_keeps_what_it_has(tmp_path: Path) -> None:
    with journal_of(tmp_path / "j", 10) as journal:
        ((pages,),) = journal._connection.execute("pragma page_count")
        journal._connection.execute(f"pragma max_page_count = {pages + 1}")
        with pytest.raises(
            UserError, match=r"cannot be written: the disk is full; recorded results are kept: make room"
        ):
            journal.append(0, REFERENCE[10:])
        assert len(list(journal.history(0))) == 10
        journal._connection.execute("pragma max_page_count = 1000000")
        journal.append(0, REFERENCE[10:])
        assert len(list(journal.history(0))) == len(REFERENCE)


def test_the_digest_covers_every_row(tmp_path: Path) -> None:
    other = [record._replace(score=replace(record.score, fitness=9.0)) for record in REFERENCE[5:6]]
    with journal_of(tmp_path / "one") as one, journal_of(tmp_path / "two", 5) as two:
        two.append(0, [*other, *REFERENCE[6:]])
        assert one.digest() != two.digest()


def test_two_histories_have_two_digests(tmp_path: Path) -> None:
    digests = set()
    for name, repeats in {"one": [61], "shorter": [60], "two": [61, 61], "other": [0, 61]}.items():
        with journal_of(tmp_path / name, 0) as journal:
            for repeat, count in enumerate(repeats):
                journal.append(repeat, REFERENCE[:count])
            digests.add(journal.digest())
    assert len(digests) == 4


def test_the_digest_does_not_depend_on_how_rows_were_batched(tmp_path: Path) -> None:
    with Journal.create(tmp_path / "one", {}) as single, journal_of(tmp_path / "all") as together:
        for record in REFERENCE:
            single.append(0, [record])
        assert single.digest() == together.digest()


def test_a_batch_that_fails_leaves_nothing_of_itself(tmp_path: Path) -> None:
    with journal_of(tmp_path / "j", 10) as journal:
        with pytest.raises(UserError, match="another process is writing to"):
            journal.append(0, [*REFERENCE[10:20], REFERENCE[5]])
        assert len(list(journal.history(0))) == 10


def test_the_best_are_distinct_scored_in_full_and_in_order(tmp_path: Path) -> None:
    with journal_of(tmp_path / "j") as journal:
        best = journal.best(5)
    assert len({row.hash for row in best}) == 5
    assert [row.fitness for row in best] == sorted(row.fitness for row in best)
    lowest = min(score.fitness for _, score in REFERENCE if score.status == "ok")
    assert best[0].fitness == lowest


def test_the_best_of_each_length_are_the_first_of_this_length_among_all(tmp_path: Path) -> None:
    with journal_of(tmp_path / "j") as journal:
        journal.append(1, REFERENCE[:20])  # equal candidates in another repeat
        expected = sorted(journal.best(1000, key=lambda row: row.live), key=lambda row: row.live)
        assert list(journal.best_of_each_length()) == expected
    assert len(expected) > 3


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
