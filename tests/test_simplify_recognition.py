"""A program is recognised if it is a known optimizer up to spelling and constants, and not otherwise."""

import pytest

from primitives import BUILTINS, Program, builtin, parse
from simplify.families import Family, families
from simplify.probes import GUARDED, agree
from simplify.recognition import recognise, resembles
from tests.programs import mutant
from tests.tangles import PLAIN, tangle

VALUES = {"beta1": 0.83, "beta2": 0.97, "decay": 0.05, "rate": 0.003}
MUTANTS = 60


def text(*lines: str) -> Program:
    return parse("\n    ".join(["def train(w, g, m, v, lr):", *lines, "return update, m, v"]))


def family_program(family: Family) -> Program:
    return parse_rounded(family.program({name: VALUES[name] for name in family.unknowns}))


def parse_rounded(program: Program) -> Program:
    return program.with_constants(value for *_, value in program.constants())


@pytest.mark.parametrize("name", PLAIN)
def test_every_builtin_is_recognised_as_itself_with_its_constants(name: str) -> None:
    found = recognise(builtin(name))
    assert found is not None
    assert (found.name, found.remainder) == (name, ())
    for value in found.constants.values():
        assert any(value == pytest.approx(constant, rel=1e-4) for *_, constant in builtin(name).constants())


# One way of writing each: with a rate and with decay where there is one. All of them take minutes.
NAMES = sorted({family.name for family in families()})
DECAYED = sorted({family.name for family in families() if "decay" in family.unknowns})


@pytest.mark.parametrize("name", NAMES)
def test_a_known_optimizer_is_recognised_with_its_hyper_parameters(name: str) -> None:
    family = max((f for f in families() if f.name == name), key=lambda f: (len(f.unknowns), f.body))
    found = recognise(family_program(family))
    assert found is not None
    assert found.name == name
    for hyper in family.unknowns:
        assert found.constants[hyper] == pytest.approx(VALUES[hyper], rel=1e-3)
    assert "canonical form" in found.evidence


@pytest.mark.parametrize("name", DECAYED)
@pytest.mark.parametrize(("rate", "decay"), [(1.0, 1.0), (0.4, 2.5), (0.4, 1.0), (1.0, 0.4)])
def test_a_decay_is_recognised_where_its_constant_is_one_and_vanishes(name: str, rate: float, decay: float) -> None:
    family = max((f for f in families() if f.name == name), key=lambda f: (len(f.unknowns), f.body))
    found = recognise(parse_rounded(family.program(VALUES | {"rate": rate, "decay": decay})))
    assert found is not None
    assert found.name == name
    assert (found.constants["rate"], found.constants["decay"]) == pytest.approx((rate, decay), rel=1e-3)


SPELLINGS = {
    "lion in other names and order": (
        "lion",
        {"beta1": 0.78, "beta2": 0.948, "decay": 0.27, "rate": 0.0145},
        ["decay = 0.27 * w", "noise = cosh(decay)", "t = interp(g, v, 0.78)", "v = interp(g, v, 0.948)", "t = sign(t)",
         "t = decay + t", "rate = 0.0145 * lr", "update = rate * t"],
    ),
    "momentum as an average": (
        "momentum", {"beta1": 0.9, "rate": 0.02},
        ["m = interp(g, m, 0.9)", "r = lr * 0.2", "update = m * r"],
    ),
    "signum by a sum": (
        "signum", {"beta1": 0.9, "rate": 0.1},
        ["m = m * 0.9", "m = m - g", "u = sign(m)", "u = u * lr", "update = u * -0.1"],
    ),
    "lion without decay": (
        "lion", {"beta1": 0.9, "beta2": 0.99, "decay": 0.0, "rate": 0.01},
        ["u = interp(g, m, 0.9)", "u = sign(u)", "m = interp(g, m, 0.99)", "lr = lr * 0.01", "update = u * lr"],
    ),
    "adam with its slots exchanged and its squares summed": (
        "adam", {"beta1": 0.8, "beta2": 0.9, "rate": 0.01},
        ["v = interp(g, v, 0.8)", "m = m * 0.9", "s = g * g", "m = m + s", "s = m * 0.1", "s = sqrt(s)",
         "u = v / s", "lr = lr * 0.01", "update = u * lr"],
    ),
    "cautious lion by halves": (
        "cautious lion", {"beta1": 0.9, "beta2": 0.99, "decay": 0.0, "rate": 0.01},
        ["u = interp(g, m, 0.9)", "m = interp(g, m, 0.99)", "u = sign(u)", "a = sign(g)", "u = u + a",
         "lr = lr * 0.005", "update = u * lr"],
    ),
    "sgd with a rate of 1": ("sgd", {"rate": 1.0}, ["update = g * lr"]),
}  # fmt: skip


@pytest.mark.parametrize(("name", "constants", "lines"), SPELLINGS.values(), ids=SPELLINGS)
def test_the_spelling_does_not_matter(name: str, constants: dict[str, float], lines: list[str]) -> None:
    found = recognise(text(*lines))
    assert found is not None
    assert found.name == name
    assert dict(found.constants) == pytest.approx(constants, rel=1e-3)


NEAR_LION = {
    "one beta": ["m = interp(g, m, 0.9)", "u = sign(m)", "d = w * 0.1", "u = u + d", "update = u * lr"],
    "no sign": [
        *("u = interp(g, m, 0.9)", "m = interp(g, m, 0.99)", "d = w * 0.1", "u = u + d"),
        *("r = lr * 0.1", "update = u * r"),
    ],
    "decay inside the sign": [
        *("u = interp(g, m, 0.9)", "m = interp(g, m, 0.99)", "d = w * 0.1", "u = u + d"),
        *("u = sign(u)", "r = lr * 0.1", "update = u * r"),
    ],
    "decay coupled to the gradient": [
        *("d = w * 0.1", "g = g + d", "u = interp(g, m, 0.9)", "u = sign(u)"),
        *("m = interp(g, m, 0.99)", "r = lr * 0.1", "update = u * r"),
    ],
    "a second memory": [
        *("u = interp(g, v, 0.9)", "u = sign(u)", "v = interp(g, m, 0.99)", "m = interp(g, m, 0.5)"),
        *("d = w * 0.1", "u = u + d", "r = lr * 0.1", "update = u * r"),
    ],
    "the momentum of the sign": [
        *("u = sign(g)", "t = interp(u, m, 0.9)", "m = interp(u, m, 0.99)", "d = w * 0.1", "t = t + d"),
        *("r = lr * 0.1", "update = t * r"),
    ],
    "a negative decay": [
        *("u = interp(g, m, 0.9)", "m = interp(g, m, 0.99)", "u = sign(u)", "d = w * -0.1", "u = u + d"),
        *("r = lr * 0.1", "update = u * r"),
    ],
    "a state that grows": [
        *("u = interp(g, m, 0.9)", "m = interp(g, m, 1.01)", "u = sign(u)", "d = w * 0.1", "u = u + d"),
        *("r = lr * 0.1", "update = u * r"),
    ],
    "a biased sign": [
        *("u = interp(g, m, 0.9)", "u = u - 0.001", "m = interp(g, m, 0.99)", "u = sign(u)", "d = w * 0.1"),
        *("u = u + d", "r = lr * 0.1", "update = u * r"),
    ],
    "ascent": [
        *("u = interp(g, m, 0.9)", "m = interp(g, m, 0.99)", "u = sign(u)", "d = w * 0.1", "u = u + d"),
        *("r = lr * -0.1", "update = u * r"),
    ],
}


@pytest.mark.parametrize("lines", NEAR_LION.values(), ids=NEAR_LION)
def test_near_misses_are_not_lion(lines: list[str]) -> None:
    for answer in (recognise(text(*lines)), resembles(text(*lines))):
        assert answer is None or "lion" not in answer.name


def test_no_tangle_is_recognised_as_another_optimizer() -> None:
    names = []
    for name in PLAIN:
        for seed in (100, 101):
            found = recognise(tangle(name, seed))
            names.append((name, found.name if found else None))
    assert all(found in (name, None) for name, found in names)
    assert sum(found == name for name, found in names) >= 0.9 * len(names)


def test_what_is_recognised_in_mutants_does_what_its_name_says() -> None:
    recognised = 0
    for seed in range(MUTANTS):
        program = mutant(BUILTINS[seed % len(BUILTINS)], seed, 1 + seed % 3)
        found = recognise(program)
        if found is not None:
            recognised += 1
            rebuilt = [
                family.program(dict(found.constants))
                for family in families()
                if family.name == found.name and set(family.unknowns) <= set(found.constants)
                and all(found.constants.get(name) == value for name, value in family.fixed)
            ]  # fmt: skip
            assert any(agree(program, other, tolerance=GUARDED) for other in rebuilt), (seed, found)
    assert recognised > MUTANTS / 6


def test_the_raw_program_of_the_paper_is_lion_but_for_what_is_done_to_the_gradient() -> None:
    assert recognise(builtin("lion_raw")) is None
    found = resembles(builtin("lion_raw"))
    assert found is not None
    assert (found.name, found.remainder) == ("lion", ("arcsin(clip(g, lr)) in place of g",))
    expected = {"beta1": 0.9, "beta2": 0.9 * 1.109133, "decay": 0.4602, "rate": 2.172e-2}
    assert dict(found.constants) == pytest.approx(expected, rel=1e-3)


def test_what_is_done_to_weights_before_they_decay_is_what_is_left_over() -> None:
    lines = ("m = interp(g, m, 0.9)", "u = sign(m)", "d = min(w, 0.2)", "d = arcsinh(d)", "u = u + d", "r = lr * 0.01")
    found = resembles(text(*lines, "update = u * r"))
    assert found is not None
    assert (found.name, found.remainder) == ("signum", ("arcsinh(min(0.2, w)) in place of w",))
    other = ("m = interp(g, m, 0.9)", "u = sign(m)", "d = sin(w)", "u = u * d", "r = lr * 0.01", "update = u * r")
    assert resembles(text(*other)) is None  # the direction depends on the weights: no decay


def test_a_schedule_of_its_own_is_what_is_left_over() -> None:
    lines = ("m = interp(g, m, 0.9)", "u = sign(m)", "lr = min(lr, 0.01)", "update = u * lr")
    found = resembles(text(*lines))
    assert found is not None
    assert (found.name, found.remainder) == ("signum", ("min(0.01, lr) in place of lr",))
