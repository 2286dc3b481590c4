"""The run of `optsearch reproduce claims`: searches, order, crashes, and continuing after a stop."""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from primitives import UserError
from proxy_tasks import Status
from search.claims import CLAIMS, Answer, draw, measure, measure_claims
from search.claims.claim import Claim, Result
from search.claims.comparisons import Measuring
from search.claims.entrants import FACTORIAL, FIXED_BETAS, PUBLISHED, SINGLE_BETA
from search.claims.losses import Families
from search.claims.searches import about_searches, meta_overfitting, search_configs
from search.commands.main import main
from search.execution import TrialAnswer, TrialJob
from search.running import Check, Method, OpenRun, SilentReporter
from search.settings import ClaimSettings, ComparisonSettings, read_claim_settings, read_config
from selection import TunedComparison

SEARCH = """
seed: 1
program: {program}
tasks: [digits]
search: {{algorithm: {algorithm}, children: 12, repeats: 2, population: 4, tournament: 2}}
selection: {{seeds: 2}}
evaluation: {{seeds: 2, first_seeds: 1}}
"""


def answers(result: Result, words: str) -> list[str]:
    found = [str(claim.answer) for claim in result.claims if words in claim.claim]
    assert found, words
    return found


def method(name: str, fresh: Sequence[float], growth: float = 0.1) -> Method:
    curves = np.array([[0.1, 0.1 + growth, 0.1 - growth]] * len(fresh))  # the last window is incomplete
    return Method(name, np.zeros((len(fresh), 2)), curves, curves, tuple(fresh), {}, "")


def test_searches_are_compared_by_rank() -> None:
    good, bad = [-0.3, -0.25, -0.2, -0.22, -0.28], [-0.1, -0.05, 0.0, -0.02, -0.08]
    found = about_searches([method("evolution", good), method("random", bad), method("tree", good)], {}, Path())
    assert answers(found, "than random search") == ["holds"]
    assert answers(found, "than tree search") == ["cannot tell"]
    assert answers(found, "grows during a search") == ["holds", "holds"]
    assert "children 1 to 200, and 201 to 400" in found.claims[-2].limit
    worse = about_searches([method("evolution", bad, -0.1), method("random", good)], {}, Path())
    assert {str(claim.answer) for claim in worse.claims} == {"does not hold", "not measured"}
    assert answers(worse, "meta-overfitting") == ["not measured"]
    lost = about_searches(
        [method("evolution", [*good[:4], np.inf]), method("random", [*bad[:3], np.nan, np.inf])], {}, Path()
    )
    assert "1 of evolution diverges; 2 of random diverge" in lost.claims[0].ours
    close = about_searches(
        [method("evolution", good), method("random", [-0.21, -0.24, -0.19, -0.1, -0.15])], {}, Path()
    )
    assert answers(close, "than random search") == ["cannot tell"]  # one-sided p is 0.048


def test_meta_overfitting_is_a_better_fitness_with_a_worse_loss_on_larger_tasks() -> None:
    def curve(*larger: float) -> list[Check]:
        noise = np.random.default_rng(0).normal(size=(len(larger), 8)) * 0.01
        return [
            Check(0, place, -0.1 * place, 0.0, value, tuple((value + noise[place]).tolist()))
            for place, value in enumerate(larger)
        ]

    overfitted, sound = curve(-0.2, -0.1, -0.1, -0.1), curve(-0.2, -0.3, -0.4, -0.5)
    noisy = curve(-0.2, -0.199, -0.199, -0.199)  # the last checks are above the lowest by less than the noise
    assert meta_overfitting([overfitted, overfitted, sound]).answer is Answer.HOLDS
    assert meta_overfitting([overfitted, sound, sound]).answer is Answer.OPEN
    assert meta_overfitting([noisy, noisy, noisy]).ours == "in 0 of 3 searches"
    assert meta_overfitting([sound[:3]]).answer is Answer.NOT_MEASURED


TINY = """
tasks: [digits]
x1: null
x10: null
x100: null
batch_tasks: [digits]
batches: [32, 64]
batch_budget: {trials: 1, tuning_seeds: 1, tunings: 1, seeds: 2}
map_tasks: [digits]
map_seeds: 2
"""


def stub(name: str) -> Result:
    return Result(name, (Claim(name, "–", "–", Answer.OPEN),))


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ClaimSettings:
    """Settings whose trainings take seconds; times of steps, maps and weights are left out."""

    monkeypatch.setattr(measure, "speed", lambda: stub("speed"))
    monkeypatch.setattr(measure, "rate_and_decay", lambda measuring: stub("maps"))
    monkeypatch.setattr(measure, "weights_and_updates", lambda measuring: stub("weights"))
    path = tmp_path / "claims.yaml"
    path.write_text(TINY)
    return read_claim_settings(path)


def test_a_stopped_measurement_continues(tiny: ClaimSettings, tmp_path: Path) -> None:
    stop = threading.Event()

    class Stopping(SilentReporter):
        def trials_run(self, total: int) -> None:
            if total >= 3:
                stop.set()

    folder = tmp_path / "claims"
    with pytest.raises(KeyboardInterrupt):
        measure_claims(tiny, folder, Stopping(), stop)
    early = json.loads((folder / CLAIMS).read_text())
    assert [row["name"] for row in early["results"]] == ["memory", "speed", "searches", "maps", "weights"]
    facts = measure_claims(tiny, folder)
    assert [row["name"] for row in facts["results"]] == ["memory", "speed", "searches", "maps", "weights", "batches"]
    assert json.loads((folder / CLAIMS).read_text()) == json.loads(json.dumps(facts))
    counted = []

    class Counting(SilentReporter):
        def trials_run(self, total: int) -> None:
            counted.append(total)

    wider = tiny.model_copy(update={"batches": [32, 64, 128]})
    again = measure_claims(wider, folder, Counting())
    assert max(counted) == 4  # two optimizers with the new batch, each in tuning and on fresh seeds
    assert [row["name"] for row in again["results"]] == [row["name"] for row in facts["results"]]
    assert [path.name for path in draw(again["results"], tmp_path)] == ["batches.svg"]


def test_a_complete_measurement_starts_no_workers(
    tiny: ClaimSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = watch_workers(monkeypatch)

    def speed() -> Result:
        events.append("speed")
        return stub("speed")

    monkeypatch.setattr(measure, "speed", speed)
    monkeypatch.setattr(measure, "batch_sizes", lambda measuring: stub("batches"))
    measure_claims(tiny, tmp_path / "claims")
    assert events == ["speed", "workers"]
    measure_claims(tiny, tmp_path / "claims")
    assert events == ["speed", "workers"]


def watch_workers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A list to which the start of workers is added."""
    events: list[str] = []
    workers = OpenRun.workers

    @contextmanager
    def watched(self: OpenRun) -> Iterator[Any]:
        events.append("workers")
        with workers(self) as trials:
            yield trials

    monkeypatch.setattr(OpenRun, "workers", watched)
    return events


def test_a_group_of_which_a_training_crashed_is_measured_again(
    tiny: ClaimSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer, notes = TrialJob.answer, []

    class Noting(SilentReporter):
        def note(self, message: str) -> None:
            notes.append(message)

    def crashing(self: TrialJob, losses: np.ndarray) -> TrialAnswer:
        return self.failed(Status.CRASHED, "") if self.key == 1 else answer(self, losses)

    monkeypatch.setattr(TrialJob, "answer", crashing)
    facts = measure_claims(tiny, tmp_path / "claims", Noting())
    assert [row["name"] for row in facts["results"]] == ["memory", "speed", "searches", "maps", "weights"]
    assert [note for note in notes if "crashed" in note] == [
        "batches: no result, since 1 trainings crashed or exceeded `wall_limit`; the same command runs them again"
    ]
    monkeypatch.setattr(TrialJob, "answer", answer)
    again = measure_claims(tiny, tmp_path / "claims")
    assert again["results"][-1]["name"] == "batches"
    assert all(row["log_loss_lion"] < 2 for row in again["results"][-1]["data"]["rows"])


def test_larger_tasks_are_measured_and_drawn(
    tiny: ClaimSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [*PUBLISHED, *FACTORIAL, *SINGLE_BETA, FIXED_BETAS]
    losses = {name: np.random.default_rng(place).uniform(0.5, 0.6, (2, 6)) for place, name in enumerate(names)}

    def compare_families(measuring: Measuring, size: int, budget: ComparisonSettings) -> Families:
        return Families(size, {"digits": TunedComparison("digits", "adamw", (), 1, 2, 6, losses)})

    monkeypatch.setattr(measure, "compare_families", compare_families)
    monkeypatch.setattr(measure, "batch_sizes", lambda measuring: stub("batches"))
    budgets = {"x1": ComparisonSettings(), "x10": ComparisonSettings(), "x100": ComparisonSettings()}
    facts = measure_claims(tiny.model_copy(update=budgets), tmp_path / "claims")
    names = ["published x1", "parts x1", "published x10", "parts x10", "published x100"]
    assert [row["name"] for row in facts["results"]][-5:] == names
    assert [path.name for path in draw(facts["results"], tmp_path)] == ["families.svg"]


def with_searches(settings: ClaimSettings, folder: Path, seed: int = 1) -> ClaimSettings:
    """Settings with two searches of a few candidates, whose configs are written to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {"evolution.yaml": "regularized_evolution", "random.yaml": "random"}
    for name, algorithm in files.items():
        (folder / name).write_text(
            SEARCH.format(program="adamw", algorithm=algorithm).replace("seed: 1", f"seed: {seed}")
        )
    return settings.model_copy(update={"searches": [str(folder / name) for name in files], "check_every": 6})


def test_searches_are_measured_and_belong_to_the_results(
    tiny: ClaimSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.claims.searches._CHECKS", ("selection.check_size=10", "selection.check_seeds=2"))
    monkeypatch.setattr(measure, "batch_sizes", lambda measuring: stub("batches"))
    settings = with_searches(tiny, tmp_path / "configs")
    facts = measure_claims(settings, tmp_path / "claims")
    found = {row["name"]: row for row in facts["results"]}["searches"]
    assert [claim["claim"].partition(" ")[0] for claim in found["claims"]] == [
        "evolution",
        "the",
        "the",
        "meta-overfitting:",
    ]
    assert [(row["run"], row["repeat"], len(row["checks"])) for row in found["data"]["checks"]] == [
        ("evolution", 0, 2),
        ("evolution", 1, 2),
    ]
    events = watch_workers(monkeypatch)
    copied = with_searches(tiny, tmp_path / "elsewhere")  # the same contents at another place
    assert measure_claims(copied, tmp_path / "claims") == facts
    assert events == []
    with pytest.raises(UserError, match="contains a run of another config"):
        measure_claims(with_searches(tiny, tmp_path / "configs", seed=2), tmp_path / "claims")


def test_searches_run_on_the_workers_of_the_claims(tiny: ClaimSettings, tmp_path: Path) -> None:
    settings = with_searches(tiny, tmp_path)
    workers = settings.workers.model_copy(update={"executor": "ray", "count": 2, "wall_limit": 3600.0, "in_flight": 1})
    found = search_configs(settings.model_copy(update={"workers": workers}))
    written = read_config(tmp_path / "random.yaml")
    assert {config.workers.count for config in found.values()} == {2}
    for config in found.values():
        assert config.workers.wall_limit == written.workers.wall_limit
        assert config.workers.in_flight == written.workers.in_flight
    assert {name: config.selection.check_every for name, config in found.items()} == {"evolution": 6, "random": 0}


def test_a_folder_of_claims_has_no_search_to_resume(
    tiny: ClaimSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(measure, "batch_sizes", lambda measuring: stub("batches"))
    measure_claims(tiny, tmp_path / "claims")
    for command in ("resume", "select"):
        assert main([command, str(tmp_path / "claims")]) == 2
        assert "trials of `optsearch reproduce claims` and no search" in capsys.readouterr().err


def test_another_file_is_not_overwritten(tiny: ClaimSettings, tmp_path: Path) -> None:
    (tmp_path / CLAIMS).write_text("[1]")
    with pytest.raises(UserError, match="not the result of `optsearch reproduce claims`"):
        measure_claims(tiny, tmp_path)
    assert (tmp_path / CLAIMS).read_text() == "[1]"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x10: {seedz: 3}", "unknown key `x10.seedz`; did you mean `seeds`?"),
        ("tasks: [vit_x10]", "`tasks` must name smallest tasks"),
        ("map_tasks: [vitt]", "unknown task `vitt`"),
        ("batches: [0, 8]", "must be at least 1"),
        ("batches: [8, 8]", "two different sizes"),
        ("map_tasks: []", "map_tasks"),
        ("batch_tasks: []", "batch_tasks"),
        ("searches: [a/one.yaml, b/one.yaml]", "different names"),
    ],
)
def test_mistakes_in_the_config_are_named(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "claims.yaml").write_text(text)
    with pytest.raises(UserError) as error:
        read_claim_settings(tmp_path / "claims.yaml")
    assert words in str(error.value)


def test_the_command_refuses_seeds(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", "claims", "--seed", "1"]) == 2
    assert "the seeds of claims are set in the config" in capsys.readouterr().err


def test_the_config_of_the_project_can_be_read() -> None:
    settings = read_claim_settings(Path(__file__).parent.parent / "configs" / "claims.yaml")
    assert settings.x10 is not None
    assert settings.x10.seeds >= 8
    assert all(Path(name).is_file() for name in settings.searches)
