"""Meta-overfitting is seen, recorded, and can end a search; looking does not change the history."""

from pathlib import Path

import pytest

from primitives import UserError
from search.commands.panel import LivePanel
from search.record.folder import open_journal
from search.running import overfitting as checks
from search.running import run as runner
from search.running.overfitting import PATIENCE, Check, draw, overfits
from search.running.summary import Summary
from search.settings.reading import read_config
from tests.processes import begin, finished, wait_for_rows

CHECKED = ["selection.check_every=10", "selection.check_seeds=2", "search.repeats=2"]


def run(config: Path, folder: str, *overrides: str) -> Summary:
    with LivePanel(quiet=True) as progress:
        return runner.run_search(read_config(config, [*CHECKED, *overrides]), config.parent / folder, progress)


def curve(*larger: float, spread: float = 0.001) -> list[Check]:
    """Checks of a search that gets better and better, on larger tasks as given."""
    seeds = (-spread, spread, 0.0, spread / 2)
    return [
        Check(0, 10 * (place + 1), -float(place), 0.0, value, tuple(value + place * one for one in seeds))
        for place, value in enumerate(larger)
    ]


def test_a_search_overfits_once_its_best_have_been_worse_on_larger_tasks_for_long() -> None:
    assert PATIENCE == 3
    assert overfits(curve(-0.2, -0.3, -0.1, -0.1, -0.1))
    assert not overfits(curve(-0.2, -0.3, -0.1, -0.1))  # not long enough
    assert not overfits(curve(-0.2, -0.3, -0.1, -0.1, -0.4))  # and yet better in the end
    assert not overfits(curve(-0.1, -0.2, -0.3, -0.4, -0.5))
    assert not overfits([])


def test_noise_is_no_overfitting() -> None:
    assert overfits(curve(-0.3, -0.2, -0.2, -0.2))
    noisy = [
        Check(
            0,
            check.number,
            check.fitness,
            0.0,
            check.larger,
            tuple(check.larger + place * x for x in (0.5, -0.5, 0.3, 0)),
        )
        for place, check in enumerate(curve(-0.3, -0.2, -0.2, -0.2))
    ]
    assert not overfits(noisy)


def test_a_search_that_stands_still_does_not_overfit() -> None:
    still = [Check(0, 10 * n, -1.0, 0.0, larger, (larger,) * 2) for n, larger in enumerate((-0.3, -0.1, -0.1, -0.1), 1)]
    assert not overfits(still)


def test_checks_are_recorded_drawn_and_do_not_change_the_history(small_run: Path) -> None:
    looked = run(small_run, "looked")
    assert looked.digest == run(small_run, "plain", "selection.check_every=0").digest
    assert [(check.repeat, check.number) for check in looked.checks] == [
        (r, n) for r in (0, 1) for n in (10, 20, 30, 40)
    ]
    for repeat in (0, 1):
        fitness = [check.fitness for check in looked.checks if check.repeat == repeat]
        assert fitness == sorted(fitness, reverse=True)
    assert len(looked.as_json(small_run)["checks"]) == 8
    assert (small_run.parent / "looked" / "meta_overfitting.svg").stat().st_size > 1000
    assert not (small_run.parent / "plain" / "meta_overfitting.svg").exists()


def test_a_search_that_overfits_is_ended_where_it_would_be_anywhere(
    small_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "overfits", lambda found: len(found) == 2)  # at the second check
    ended = run(small_run, "ended", "selection.stop_on_meta_overfitting=true")
    with open_journal(small_run.parent / "ended") as journal:
        assert journal.counts() == [(0, 20), (1, 20)]
    assert ended.complete
    with LivePanel(quiet=True) as progress:
        again = runner.resume_search(small_run.parent / "ended", progress)
    assert (again.digest, again.statistics["children"], again.trained) == (ended.digest, 40, 0)


def test_a_search_with_checks_that_is_killed_ends_alike(small_run: Path) -> None:
    overrides = [f"--set={override}" for override in CHECKED]
    undisturbed = finished(begin("run", str(small_run), "--out", "undisturbed", "--json", *overrides))
    process = begin("run", str(small_run), "--out", "killed", *overrides)
    wait_for_rows(Path("killed/journal.sqlite"), 25, process)
    process.kill()
    process.communicate()
    again = finished(begin("resume", "killed", "--json"))
    assert (again["digest"], again["checks"]) == (undisturbed["digest"], undisturbed["checks"])


def test_the_figure_shows_every_repeat(tmp_path: Path) -> None:
    both = [*curve(-0.1, -0.2), Check(4, 10, 0.0, 0.0, 0.0, (0.0,))]
    draw(both, tmp_path / "both.svg")
    draw(both[:2], tmp_path / "one.svg")
    lines = [(tmp_path / name).read_text().count('id="line2d') for name in ("both.svg", "one.svg")]
    assert lines[0] > lines[1]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("selection.check_size=50", "there is no task `digits_x50`"),
        ("selection.check_every=-1", "selection.check_every"),
        ("selection.check_seeds=1", "selection.check_seeds"),
    ],
)
def test_checks_that_cannot_be_held_are_refused(small_run: Path, override: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_config(small_run, ["selection.check_every=10", override])


def test_ending_for_overfitting_needs_checks(small_run: Path) -> None:
    with pytest.raises(UserError, match="`stop_on_meta_overfitting` needs `check_every`"):
        read_config(small_run, ["selection.stop_on_meta_overfitting=true"])
