"""Extensions that make no sense are refused with one clear line."""

from typing import Any

import numpy as np
import pytest

import optsearch
from optsearch._extend import task
from proxy_tasks import Task
from proxy_tasks.families import problem

X, Y = np.ones((100, 3), np.float32), np.ones((50, 1), np.float32)


def loss(parameters: Any, rows: Any) -> Any:
    return ((rows["x"] @ parameters["w"]) ** 2).mean() + 0.1


def initialise(rng: np.random.Generator) -> Any:
    return {"w": rng.normal(size=(3, 1)).astype(np.float32)}


RETURNED: Any = None


@task("of a test", batch=8, steps=10)
def of_a_test(rng: np.random.Generator) -> Any:
    return RETURNED


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (1, "must return `initialise, loss, rows`, not int"),
        ((initialise, loss), "must return `initialise, loss, rows`, not tuple of length 2"),
        ((3, loss, {"x": X}), "must return a function as `initialise`, not int"),
        ((initialise, None, {"x": X}), "must return a function as `loss`, not NoneType"),
        ((initialise, loss, {}), "at least one array by name as `rows`, not dict of length 0"),
        ((initialise, loss, X), "at least one array by name as `rows`, not ndarray"),
        ((initialise, loss, {"x": X, "y": Y}), "the same number of rows: `x` has 100, `y` has 50"),
        ((initialise, loss, {"x": X, "y": 3.0}), "whose first axis runs over examples; `y` is a single value"),
    ],
)
def test_what_the_function_of_a_task_returns_is_checked(
    returned: Any, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(globals(), "RETURNED", returned)
    problem.cache_clear()
    with pytest.raises(optsearch.UserError, match=message) as error:
        problem(_task())
    assert str(error.value).startswith("task `of a test`")


def _task() -> Task:
    entry: dict[str, str] = of_a_test.entry
    return Task(entry["name"], entry["family"], "", batch=8, steps=10)


def test_the_weights_of_a_task_are_initialised_once_for_their_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def counted(rng: np.random.Generator) -> Any:
        calls.append(1)
        return initialise(rng)

    monkeypatch.setitem(globals(), "RETURNED", (counted, loss, {"x": X}))
    problem.cache_clear()
    assert of_a_test(_task()).sizes == (3,)
    assert len(calls) == 1


@pytest.mark.usefixtures("own_extensions")
def test_a_function_that_cannot_be_registered_is_a_mistake_of_the_user() -> None:
    for function, message in (
        (_named_sign(), "function `sign` is registered already; choose another name"),
        (lambda x: x, "the name of a function .='<lambda>'. must be an identifier"),
        (_many, "function `_many` takes 4 arguments; the largest number is 3"),
    ):
        with pytest.raises(optsearch.UserError, match=message):
            optsearch.primitive()(function)


def _many(a: Any, b: Any, c: Any, d: Any) -> Any:
    return a + b + c + d


def _named_sign() -> Any:
    def sign(x: Any) -> Any:
        return x

    return sign
