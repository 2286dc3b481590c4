"""Scored reduction drops what makes no difference, by a rule whose errors are known."""

from inspect import signature
from math import erf, sqrt

import numpy as np
import pytest

from primitives import Program, UserError, builtin, live
from simplify import reduction
from simplify.exact import simplify
from simplify.reduction import reduce
from simplify.steps import SCORED
from simplify.yardstick import SCALES, Waiting, Yardstick, at_once, plain, scaled
from tests.programs import train

LION = builtin("lion")


class Quadratic:
    """A cheap task: noisy gradients of a stretched parabola; the log loss after 40 steps of each of 16 seeds."""

    def __init__(self, seeds: int = 16) -> None:
        generator = np.random.default_rng(7)
        self._start = generator.normal(size=(seeds, 6)) + 2
        self._noise = generator.normal(size=(40, seeds, 6))
        self._stretch = np.array([0.1, 0.3, 1.0, 1.0, 3.0, 10.0])
        self.calls = 0

    def __call__(self, program: Program) -> np.ndarray:
        from tests.exports import exported

        self.calls += 1
        module = exported(program, "python")
        scheduled = "schedule" in signature(module.optimizer).parameters  # not where the program never reads `lr`
        losses = []
        for seed, start in enumerate(self._start):
            params, state = [start], module.init([start])
            for step, noise in enumerate(self._noise[:, seed]):
                rate = {"schedule": 1 - step / 40} if scheduled else {}
                gradient = self._stretch * params[0] + 0.3 * noise
                updates, state = module.optimizer([gradient], state, params, **rate)
                with np.errstate(all="ignore"):
                    params = [params[0] + updates[0]]
            with np.errstate(all="ignore"):
                losses.append(np.log(np.sum(self._stretch * params[0] ** 2) / 2))
        return np.array(losses)


def test_idle_statements_are_dropped_and_the_others_stay() -> None:
    task = Quadratic(8)
    lines = ("g = clip(g, 1000.0)", "t = tanh(w)", "t = t * 0.00001", "g = g + t", "m = interp(g, m, 0.9)",
             "update = sign(m)", "lr = lr * 5.0", "update = update * lr")  # fmt: skip
    found = at_once(reduce(train(*lines), plain(task)))
    assert [s.primitive for s in found.program.statements] == ["interp", "sign", "multiply", "multiply"]
    scored = [step for step in found.steps if step.exactness == SCORED]
    assert len(scored) >= 2
    assert all("is noise" in step.note for step in scored)
    calls = task.calls
    assert at_once(reduce(train(*lines), plain(task))) == found  # deterministic
    assert task.calls == 2 * calls


def test_drafts_scored_side_by_side_end_where_one_after_the_other_do() -> None:
    lines = ("g = clip(g, 1000.0)", "t = tanh(w)", "t = t * 0.00001", "g = g + t", "m = interp(g, m, 0.9)",
             "update = sign(m)", "lr = lr * 5.0", "update = update * lr")  # fmt: skip
    one, five = (at_once(reduce(train(*lines), plain(Quadratic(4)), width=width)) for width in (1, 5))
    assert one == five


def test_a_slot_that_does_not_matter_is_left_out() -> None:
    lines = ("v = interp(g, v, 0.5)", "t = v * 0.000001", "m = interp(g, m, 0.9)", "u = m + t", "u = sign(u)",
             "lr = lr * 5.0", "update = u * lr")  # fmt: skip
    found = at_once(reduce(train(*lines), plain(Quadratic(6))))
    assert live(found.program).slots == ("m",)
    assert found.slots == {"m": "m"}


@pytest.mark.parametrize(
    "lines",
    [
        ("a = g * 1e30", "b = cos(a)", "c = b * 1e20", "d = max(c, w)", "update = d * lr"),
        ("a = sin(g)", *["a = sin(a)"] * 199, "update = a * lr"),
    ],
    ids=["a constant beyond float32", "a long program"],
)
def test_ablations_that_cannot_be_made_are_left_out_and_the_others_are_made(lines: tuple[str, ...]) -> None:
    found = at_once(reduce(train(*lines), plain(lambda program: np.linspace(-0.1, 0.1, 16))))
    assert len(found.program.statements) < 3
    assert found.complete


def test_a_reduction_says_whether_the_limit_of_work_was_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reduction, "simplify", lambda program, budget=100: simplify(program, budget))
    score = plain(lambda program: np.linspace(-0.1, 0.1, 16) + (0 if len(program.statements) >= len(LION) else 5))
    assert not at_once(reduce(LION, score)).complete


def test_a_part_that_changes_no_update_at_the_rates_of_the_task_is_dropped() -> None:
    # With 64 times the rate, tanh(lr) is another rate than lr, so that the losses differ there, and only there.
    def score(program: Program) -> np.ndarray:
        large = any(s.primitive == "multiply" and s.arguments == ("lr", 64.0) for s in program.statements)
        known = [s.primitive for s in program.statements if s.primitive != "multiply"]
        return np.linspace(-0.1, 0.1, 16) + (0 if known == ["tanh", "interp", "sign", "interp"] else 5 if large else 0)

    lines = ("lr = tanh(lr)", "u = interp(g, m, 0.8)", "u = sign(u)", "m = interp(g, m, 0.95)", "update = u * lr")
    found = at_once(reduce(train(*lines), plain(score), peak=0.01))
    assert [s.primitive for s in found.program.statements] == ["interp", "sign", "multiply", "interp"]
    assert (
        "the updates agree at rates up to 0.01" in next(step for step in found.steps if step.exactness == SCORED).note
    )
    kept = at_once(reduce(train(*lines), plain(score), peak=1.0)).program
    assert "tanh" in [s.primitive for s in kept.statements]


def test_a_part_that_no_probe_shows_and_the_training_does_is_kept() -> None:
    def score(program: Program) -> np.ndarray:  # as if the sum only came to matter in a long training
        return np.linspace(-0.1, 0.1, 16) + (0 if "v" in live(program).slots else 5)

    lines = ("v = v + 0.0000001", "u = interp(g, m, 0.8)", "u = u + v", "u = sign(u)", "m = interp(g, m, 0.95)",
             "update = u * lr")  # fmt: skip
    found = at_once(reduce(train(*lines), plain(score)))
    assert "v" in live(found.program).slots


def test_what_makes_a_program_better_is_not_idle_either() -> None:
    def score(program: Program) -> np.ndarray:
        return np.linspace(-1, 1, 16) + (0.0 if len(live(program).lines) >= 7 else -5.0)

    assert len(at_once(reduce(LION, plain(score))).program.statements) == len(LION.statements)


def test_the_comparison_is_with_the_original_so_that_losses_do_not_add_up() -> None:
    # Each statement is worth 0.6 standard errors: one may go, two may not.
    def score(program: Program) -> np.ndarray:
        spread = np.linspace(-1, 1, 16)
        error = spread.std(ddof=1) / 4
        lengths = len(live(program).lines) + len(live(program).slots)
        extra = sum(s.primitive == "multiply" and s.arguments[0] == "lr" and s.arguments[1] in SCALES
                    for s in program.statements)  # fmt: skip
        return np.asarray(spread + 0.6 * error * (8 - lengths + extra))

    found = at_once(reduce(LION, plain(score))).program
    assert len(live(found).lines) + len(live(found).slots) == 7


def test_constants_are_tuned_if_asked_and_then_rounded() -> None:
    def score(program: Program) -> np.ndarray:
        known = len(live(program).lines) >= 7
        values = sorted(value for *_, value in program.constants() if value not in SCALES)
        off = abs(values[-1] - 0.98765) if known else 9.0
        return np.linspace(-0.1, 0.1, 16) + 10 * max(0.0, off - 0.0005)

    tuned = LION.with_constants([0.8412345, 0.98765, 0.1234567, 0.000123456])

    def tune(program: Program) -> Waiting[Program]:
        yield from ()
        return tuned

    found = at_once(reduce(LION.with_constants([0.9, 0.9876, 0.1, 0.0001]), plain(score), tune))
    assert sorted(value for *_, value in found.program.constants()) == pytest.approx([0.000123, 0.123, 0.84, 0.988])
    assert [step.rule for step in found.steps[-2:]] == ["constants tuned", "constants rounded"]


def test_the_error_rates_of_the_rule_are_what_they_should_be() -> None:
    """With paired differences of spread `share` times that of the losses, a change of no effect is refused with
    probability 2 (1 - Φ(1 / share)), and one of effect `e` standard errors passes with Φ((1 - e) / share) and so on."""
    generator = np.random.default_rng(3)
    trials, seeds = 2000, 24

    def normal(x: float) -> float:
        return (1 + erf(x / sqrt(2))) / 2

    original, other = LION, builtin("signum")
    for share, effect in ((0.5, 0.0), (0.5, 2.0), (0.2, 2.0), (1.0, 0.0)):
        kept = 0
        for _ in range(trials):
            losses = generator.normal(size=seeds)
            change = generator.normal(size=seeds) * share + effect / sqrt(seeds)
            score = plain(lambda p, a=losses, b=change: a + (p != original) * b)  # type: ignore[misc]
            yardstick = at_once(Yardstick.of(original, score, (1.0,)))
            kept += at_once(yardstick.judge([other]))[0].kept
        expected = normal((1 - effect) / share) - normal((-1 - effect) / share)
        assert kept / trials == pytest.approx(expected, abs=0.04), (share, effect)


def test_scales_at_which_the_original_diverges_are_left_out() -> None:
    def score(program: Program) -> np.ndarray:
        far = any(s.arguments == ("lr", 64.0) for s in program.statements)
        return np.full(4, np.nan) if far else np.arange(4.0)

    assert at_once(Yardstick.of(LION, plain(score))).scales == (8.0, 1.0)
    with pytest.raises(UserError, match="diverges"):
        at_once(Yardstick.of(LION, plain(lambda program: np.array([1.0, np.inf]))))
    with pytest.raises(UserError, match="at least 2 seeds"):
        at_once(Yardstick.of(LION, plain(lambda program: np.array([1.0]))))


def test_a_scaled_program_has_another_rate_and_nothing_else() -> None:
    assert scaled(LION, 1.0) == LION
    assert scaled(LION, 8.0).statements[1:] == LION.statements
    assert scaled(LION, 8.0).statements[0].arguments == ("lr", 8.0)
