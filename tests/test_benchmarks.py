"""The report of the benchmarks states what was missed, and a broken subject cannot pass."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import (
    ablations,
    accelerator,
    compiling,
    coverage,
    generations,
    kernel_check,
    lion_drafts,
    proxies,
    scoring,
    simplification,
)
from benchmarks.limits import Limit, Section, account, exit_status, measured
from benchmarks.lion_report import ACCOUNT, PAGE, between, kept
from benchmarks.panel import panel
from benchmarks.run import main
from primitives import REGISTRY, Program, builtin, load_program, to_text
from proxy_tasks.baselines import baseline
from proxy_tasks.catalog import builtin_task
from proxy_tasks.task import Task
from proxy_tasks.training import Trainer
from simplify import recognise

KEPT, MISSED = Limit("ratio", 1.2, 1.5), Limit("rate", 900.0, 1000.0, at_least=True)


def section(*limits: Limit) -> Section:
    return Section(["## Title", "", "text"], list(limits))


def test_a_missed_limit_is_listed_and_makes_the_exit_status_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "benchmarks.md"
    assert main({"one": lambda: section(KEPT), "two": lambda: section(KEPT, MISSED)}, target) == 1
    page = target.read_text()
    assert "1 missed, 2 kept." in page
    assert "- **missed** rate: 900, at least 1,000" in page
    assert page in capsys.readouterr().out


def test_limits_that_are_all_kept_make_the_exit_status_0(tmp_path: Path) -> None:
    target = tmp_path / "benchmarks.md"
    assert main({"one": lambda: section(KEPT)}, target) == 0
    assert "0 missed, 1 kept." in target.read_text()


def test_a_benchmark_that_fails_misses_a_limit_and_the_others_still_run(tmp_path: Path) -> None:
    def failing() -> Section:
        raise RuntimeError("no such worker")

    target = tmp_path / "benchmarks.md"
    assert main({"one": failing, "two": lambda: section(KEPT)}, target) == 1
    assert "- **missed** one: nan, at most nan (RuntimeError: no such worker)" in target.read_text()
    assert "- kept ratio: 1.2, at most 1.5" in target.read_text()


def test_limits_of_speed_are_scaled_by_that_of_the_machine() -> None:
    seconds, rate = Limit("seconds", 5.0, 3.0, speed=True), Limit("rate", 900.0, 1000.0, at_least=True, speed=True)
    assert (seconds.kept, seconds.on(2.0).kept, seconds.on(1.5).kept) == (False, True, False)
    assert (rate.kept, rate.on(2.0).kept, rate.on(1.1).kept) == (False, True, False)
    assert KEPT.on(2.0) == KEPT
    assert str(seconds.on(2.0)) == "seconds: 5, at most 6 (3 on a machine 2.0 times as fast)"


@pytest.mark.parametrize("at_least", [False, True])
def test_what_is_not_a_number_is_missed(at_least: bool) -> None:
    assert not Limit("ratio", math.nan, 1.0, at_least).kept


def test_without_a_measurement_nothing_is_kept() -> None:
    assert exit_status([]) == 1
    assert exit_status([KEPT]) == 0
    assert account([])[2] == "0 missed, 0 kept."


def _names(found: Section) -> set[str]:
    return {limit.name for limit in found.limits if not limit.kept and not limit.name.startswith("evaluation over")}


def test_an_evaluation_that_does_not_train_misses_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not _names(measured("scoring", lambda: scoring.section(("digits",), rounds=1)))
    monkeypatch.setattr(Trainer, "losses", lambda self, program: np.full(len(self.seeds), 2.3))
    names = {f"difference of their losses, digits, {name}" for name in ("adamw", "lion")}
    assert _names(measured("scoring", lambda: scoring.section(("digits",), rounds=1))) == names


def test_candidates_that_share_a_compilation_miss_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    adamw = baseline(builtin_task("digits"))

    def alike(seed: int) -> list[Program]:
        constants = np.array([value for *_, value in adamw.constants()])
        return [adamw.with_constants(constants * (1 - 0.01 * number)) for number in range(3)]

    monkeypatch.setattr(compiling, "descendants", alike)
    found = compiling.section(candidates=3)
    assert "candidates of that comparison that were compiled" in {
        limit.name for limit in found.limits if not limit.kept
    }


def test_an_interval_without_width_misses_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coverage, "interval", lambda table: (float(table.mean()),) * 2)
    monkeypatch.setattr(coverage, "DISTRIBUTIONS", {"normal": coverage.DISTRIBUTIONS["normal"]})
    assert coverage.main(samples=50) == 3 * len(coverage.SEEDS)


def test_without_an_accelerator_the_kernel_is_compared_in_interpret_mode(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    codes = [kernel_check.call_of(row, (0, 1, 3)) for row in REGISTRY]
    shifts, expected = [0.0, 0.01], kernel_check.one_by_one(codes, kernel_check.arrays())
    monkeypatch.setattr(kernel_check, "by_kernel", lambda *given: expected + shifts.pop(0))
    monkeypatch.setattr(kernel_check, "one_by_one", lambda *given: expected)
    monkeypatch.setattr(kernel_check, "DESCENDANTS", 8)
    monkeypatch.setattr(accelerator, "sections", lambda: {"Kernel": kernel_check.section})
    assert accelerator.main() == 0
    told = capsys.readouterr().out
    assert told.startswith("No accelerator")
    assert "0 missed, 2 kept." in told
    assert accelerator.main() == 1
    assert "- **missed** programs on which kernel and interpreter differ" in capsys.readouterr().out


def test_the_memory_of_the_kernel_follows_from_the_weights_of_a_task() -> None:
    row = kernel_check.cost_section(["digits"]).lines[-1]
    assert row == "| digits | 2,410 | 3 | 0.7 MiB | 0.4 GiB |"


def test_rates_and_bits_of_batches_are_measured_beside_the_floor() -> None:
    task = Task("rates", "digit classification", "", batch=8, steps=3, settings={"hidden": (4,)})
    section = accelerator.section(task, sizes=(4,), on_cpu=2)
    assert [limit.name for limit in section.limits] == [
        "share of the floor, rates, batch of 4",
        "batches with other bits the second time, rates",
        "batches with other bits when shuffled, rates",
        "median difference of a loss from the CPU, rates",
    ]
    assert all(limit.kept for limit in section.limits[1:])
    assert section.limits[0].value > 0


@contextmanager
def in_this_process(build: object, local: Callable[..., object], **_: object) -> Iterator[SimpleNamespace]:
    """Stands in for a pool of helpers."""
    yield SimpleNamespace(count=1, ask=lambda request: partial(local, request))


def trained_alone(task: Task, programs: list[Program], seeds: list[range], split: str) -> np.ndarray:
    """Stands in for a batch."""
    return np.stack([Trainer(task, own, split).losses(program) for program, own in zip(programs, seeds, strict=True)])


def test_the_parts_of_a_generation_are_timed_and_their_results_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    task = Task("parts", "digit classification", "", batch=8, steps=3, settings={"hidden": (4,)})
    monkeypatch.setattr(generations, "HelperPool", in_this_process)
    monkeypatch.setattr(generations, "train_on_own_seeds", trained_alone)
    monkeypatch.setattr(Trainer, "losses_of", lambda self, programs, together: np.ones((len(programs), 1)))
    sections = [
        generations.costs(task, count=4),
        generations.helpers(1, count=4),
        generations.own_seeds(task, size=4, seeds=1),
        generations.replays(task, count=4),
    ]
    assert sections[0].lines[-3].startswith("| breeding, with the digest of the structure | ")
    timed = ("share of the time", "share of the rate")
    limits = [limit for section in sections for limit in section.limits]
    assert sum(limit.name.startswith(timed) for limit in limits) == 3
    assert [limit for limit in limits if not limit.kept and not limit.name.startswith(timed)] == []
    assert len(limits) == 9
    monkeypatch.setattr(generations, "train_on_own_seeds", lambda *given: 1.1 * trained_alone(*given))
    missed = [limit.name for limit in generations.own_seeds(task, size=4, seeds=1).limits if not limit.kept]
    assert "median difference of a loss from that alone, parts" in missed


def test_a_child_that_helpers_breed_otherwise_misses_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    forms = iter(range(9))
    monkeypatch.setattr(generations, "generation", lambda *_: [(builtin("sgd"), next(forms))])
    monkeypatch.setattr(generations, "HelperPool", in_this_process)
    different, *_ = generations.helpers(1, count=1).limits
    assert not different.kept


def test_the_table_of_ablations_has_levels_and_the_difference_to_the_search_as_configured() -> None:
    def rows(*fresh: float, level: int) -> list[dict[str, object]]:
        return [
            {"seed": seed, "fresh": value, "level": level, "led": "", "seconds": 120.0}
            for seed, value in enumerate(fresh)
        ]

    arms = {ablations.REFERENCE: rows(0.0, 0.1, 0.2, level=3), "no corpus": rows(0.4, 0.4, 0.7, level=1)}
    reference, without = ablations.table(arms).splitlines()[2:]
    assert reference == "| as configured | +0.100 |  | 3 of 3 | 3 of 3 | 3 of 3 | 2 |"
    assert without.startswith("| no corpus | +0.500 | +0.400 (+0.152 … +0.648) | 3 of 3 | 0 of 3 | 0 of 3 |")


def test_the_runs_with_which_ablations_are_compared_and_the_place_of_their_table_exist() -> None:
    assert len(ablations.SEEDS) >= 4
    for seed in ablations.SEEDS:
        with kept(ACCOUNT.parent / f"seed-{seed}") as journal:
            assert max(count for _, count in journal.counts()) > ablations.CANDIDATES
    assert "a table" in between(PAGE.read_text(encoding="utf-8"), ablations.MARKS, "a table")
    with pytest.raises(ValueError, match="no marks"):
        between("a page", ablations.MARKS, "a table")


@pytest.mark.parametrize("arm", [ablations.REFERENCE, *ablations.ARMS])
def test_every_arm_of_the_ablations_is_a_config(arm: str) -> None:
    config = ablations.config_of(arm, 2)
    assert config.seed == 2
    assert (config == ablations.config_of(ablations.REFERENCE, 2)) == (arm == ablations.REFERENCE)


class Rows:
    """Stands in for a journal."""

    def __init__(self, *rows: tuple[str, str, str, str]) -> None:
        self._rows = [
            SimpleNamespace(number=number, program=program, mutation=mutation, status=status, matched=matched)
            for number, (program, mutation, status, matched) in enumerate(rows)
        ]

    def rows(self, order: str) -> list[SimpleNamespace]:
        assert order == "number"
        return self._rows


def test_candidates_that_are_lion_are_counted_by_what_became_of_them() -> None:
    lion, signum = to_text(builtin("lion")), to_text(builtin("signum"))
    journal = Rows(
        (lion, "start", "ok", ""),
        (to_text(builtin("adamw")), "graft", "ok", ""),
        (signum, "context", "ok", ""),
        (lion, "graft", "rejected", "structure"),
        (lion.replace("0.99", "0.98"), "context", "rejected", ""),
        (lion, "context", "ok", ""),
        (lion, "refined", "ok", ""),
    )
    assert lion_drafts.counts(journal) == ["3 (first: 3)", "2 (first: 4)", "1 (first: 5)"]  # type: ignore[arg-type]
    assert lion_drafts.counts(Rows((signum, "context", "ok", ""))) == ["0", "0", "0"]  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["sgd 0.1", "signum 0.9 0.3 0.01"])
def test_a_program_of_the_panel_has_the_recorded_losses(name: str) -> None:
    (row,) = (row for row in proxies.measured() if proxies.key(row) == ("score", "digits", name))
    trainer = Trainer(
        builtin_task("digits"), range(proxies.STUDY_SEEDS, proxies.STUDY_SEEDS + 2), compile_programs=True
    )
    np.testing.assert_allclose(trainer.losses(panel()[name]), row["losses"][:2], rtol=2e-2)


def test_what_ablations_are_judged_on_is_lion_with_the_constants_of_the_raw_program() -> None:
    raw = recognise(_without_clip_and_arcsin(load_program(str(simplification.PRINTED))))
    found = recognise(simplification.IDLE["clip and arcsin"])
    assert found is not None
    assert raw is not None
    assert found.name == raw.name
    assert dict(found.constants) == pytest.approx(dict(raw.constants), rel=1e-4)


def _without_clip_and_arcsin(program: Program) -> Program:
    kept = [row for row in program.statements if row.primitive not in ("clip", "arcsin")]
    return Program(tuple(kept), program.slots)
