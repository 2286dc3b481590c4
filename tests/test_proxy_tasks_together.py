"""Programs trained in batches get the losses that they get alone; batches fit the memory, and little is padding."""

import logging
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from primitives import ANY, REGISTRY, Encoded, Primitive, builtin, encode, parse
from proxy_tasks import device, together
from proxy_tasks.batch_sizes import LARGEST, LEAST, cut, sizes_up_to
from proxy_tasks.device import largest_batch, padding
from proxy_tasks.loops import batch_loop
from proxy_tasks.task import Circumstance, Task
from proxy_tasks.together import train_on_own_seeds, train_together
from proxy_tasks.training import Trainer
from tests.test_proxy_tasks_training import text

CONDITIONS = (Circumstance(), Circumstance(loss_scale=20.0, steps=3))
TINY = Task(
    "together", "digit classification", "", batch=8, steps=4, settings={"hidden": (4,)}, circumstances=CONDITIONS
)
LONG = parse(
    "def train(w, g, m, v, lr):\n" + "    g = g * 0.9\n" * 20 + "    update = g * lr\n    return update, m, v\n"
)


@pytest.fixture(autouse=True)
def unknown_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device of which nothing is known yet."""
    monkeypatch.setattr(device, "DEVICE", device._Device())


@pytest.mark.usefixtures("own_registry")
def test_programs_trained_together_get_what_they_get_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    REGISTRY.add(Primitive("summed_up", lambda x: jnp.cumsum(x, axis=-1), (ANY,)))
    own = text("x = summed_up(g)", "update = x * lr")
    programs = [*map(builtin, ("adamw", "lion", "lion_raw", "momentum")), own, text("update = log(m)")]
    trainer = Trainer(TINY, range(2))
    alone = np.array([trainer.losses(program) for program in programs])
    assert np.isnan(alone[-1]).all()
    np.testing.assert_array_equal(trainer.losses_of(programs), alone)
    np.testing.assert_allclose(trainer.losses_of(programs, together=True), alone, rtol=1e-5)
    monkeypatch.setattr(device, "has_kernel", lambda: True)  # in Pallas's interpret mode
    kinds = []
    monkeypatch.setattr(together, "batch_loop", lambda *given: kinds.append(given[2]) or batch_loop(*given))  # type: ignore[func-returns-value]
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            found = trainer.losses_of(programs, together=True)
    np.testing.assert_allclose(found, alone, rtol=1e-5)
    assert kinds == [True, False] * 2  # the program with the user's function alone goes under `vmap`
    assert [record.getMessage() for record in caplog.records if "`summed_up`" in record.getMessage()] == [
        "programs with `summed_up` are trained under `vmap`, which is slower: the kernel lacks it "
        "(its operation `cumsum` does not work by tiles)"
    ]


def test_programs_with_seeds_of_their_own_are_trained_in_one_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []

    def counted(*given: Any) -> Any:
        run = batch_loop(*given)
        return lambda codes, inputs: sizes.append(len(codes.length)) or run(codes, inputs)  # type: ignore[func-returns-value]

    monkeypatch.setattr(together, "batch_loop", counted)
    programs = [*map(builtin, ("adamw", "lion", "momentum"))] * 3
    seeds = [range(start, start + 2) for start in range(0, 18, 2)]
    found = train_on_own_seeds(TINY, programs, seeds, "validation")
    alone = [Trainer(TINY, own).losses(one) for one, own in zip(programs, seeds, strict=True)]
    np.testing.assert_allclose(found, alone, rtol=1e-5)
    assert len({tuple(losses) for losses in alone}) == len(programs)
    assert sizes == [8, 8]


Run = Callable[[Encoded, dict[str, Any]], tuple[np.ndarray, int]]


def fake_loop(batches: list[np.ndarray], room: int = 10**6) -> Run:
    """A loop that notes the lengths of the programs of each batch, and has no memory for more than `room` programs."""

    def run(codes: Encoded, inputs: dict[str, Any]) -> tuple[np.ndarray, int]:
        if len(codes.length) > room:
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 1 bytes.")
        batches.append(np.asarray(codes.length))
        return np.stack([codes.length, codes.length], axis=1), 4

    return run


PROGRAMS = [LONG] + [text(*["g = g * 0.9"] * (index % 9), "update = g * lr") for index in range(99)]
LENGTHS = [int(encode(program).length) for program in PROGRAMS]
INPUTS = {"weights": np.zeros((2, 3))}


def test_programs_are_sorted_by_length_and_cut_into_few_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    batches: list[np.ndarray] = []
    monkeypatch.setattr(together, "batch_loop", lambda *_: fake_loop(batches))
    monkeypatch.setattr(device, "largest_batch", lambda *_, **__: 32)
    losses = train_together(TINY, PROGRAMS, INPUTS)
    assert losses[:, 0].tolist() == LENGTHS
    assert [len(lengths) for lengths in batches] == [8, 32, 32, 32, 8]  # the long program has a size class of its own
    assert sorted(np.concatenate(batches).tolist(), reverse=True) == np.concatenate(batches).tolist()
    assert padding() == (7 + 5) / 112


def test_a_batch_that_gets_no_memory_is_halved_and_the_user_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    batches: list[np.ndarray] = []
    monkeypatch.setattr(together, "batch_loop", lambda *_: fake_loop(batches, room=40))
    assert train_together(TINY, PROGRAMS, INPUTS)[:, 0].tolist() == LENGTHS
    assert {len(lengths) for lengths in batches} <= {32, 16, 8}
    lines = [record.getMessage() for record in caplog.records]
    assert lines == [
        f"together: no memory for a batch of {size} programs on the device; it is halved" for size in (128, 64)
    ]


def test_another_error_of_the_device_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(codes: Encoded, inputs: dict[str, Any]) -> None:
        raise jax.errors.JaxRuntimeError("INTERNAL: the device is gone")

    monkeypatch.setattr(together, "batch_loop", lambda *_: run)
    with pytest.raises(jax.errors.JaxRuntimeError, match="device is gone"):
        train_together(TINY, PROGRAMS, INPUTS)


def test_programs_go_under_vmap_where_the_kernel_fails(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(codes: Encoded, inputs: dict[str, Any]) -> None:
        raise ValueError("ptxas is missing")

    monkeypatch.setattr(together, "batch_loop", lambda task, functions, kernel: broken if kernel else fake_loop([]))
    monkeypatch.setattr(device, "has_kernel", lambda: True)
    for _ in range(2):
        assert train_together(TINY, PROGRAMS, INPUTS)[:, 0].tolist() == LENGTHS
    (record,) = caplog.records
    assert "`vmap`: ptxas is missing" in record.getMessage()


@pytest.mark.parametrize(("memory", "size"), [(None, LARGEST), (1e12, LARGEST), (200e3, 128), (1, LEAST)])
def test_the_size_of_a_batch_follows_from_the_memory_that_the_compiler_asks_for(
    monkeypatch: pytest.MonkeyPatch, memory: float | None, size: int
) -> None:
    needed = SimpleNamespace(temp_size_in_bytes=7000, output_size_in_bytes=1000)  # a thousand for each program
    compiled = SimpleNamespace(memory_analysis=lambda: needed)
    run = SimpleNamespace(lower=lambda *_: SimpleNamespace(compile=lambda: compiled))
    stats = {"bytes_limit": memory, "bytes_in_use": 0.9 * memory} if memory else None  # what is in use does not count
    monkeypatch.setattr("jax.devices", lambda: [SimpleNamespace(memory_stats=lambda: stats)])
    assert largest_batch(run, encode(builtin("sgd")), {}) == size  # type: ignore[arg-type]


@given(st.integers(1, 5000), st.sampled_from([8, 100, 128, 512]))
def test_at_most_a_quarter_of_a_batch_is_padding_but_for_the_smallest(count: int, largest: int) -> None:
    size = cut(count, largest)
    assert size in sizes_up_to(largest)
    assert size - count <= size / 4 or size == sizes_up_to(largest)[-1]
