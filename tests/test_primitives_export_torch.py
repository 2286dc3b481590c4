"""The PyTorch export walks the same path as the interpreter, for several shapes and groups, and can be saved."""

from typing import Any

import numpy as np
import pytest
import torch

from primitives import BUILTINS, PAPER, Program, builtin
from primitives.program import PEAK
from tests.exports import exported, split
from tests.programs import calling, path, probe

STEPS = 200


class Walk:
    """A PyTorch export on the probe: three parameters of different shapes, in two groups."""

    def __init__(self, program: Program, steps: int, **arguments: Any) -> None:
        weights, gradients, self._schedule = map(np.asarray, probe(steps))
        self._gradients = [split(gradient) for gradient in gradients]
        self.parameters = [torch.nn.Parameter(torch.tensor(x)) for x in split(weights)]
        groups = [{"params": self.parameters[:1]}, {"params": self.parameters[1:]}]
        self.optimizer = exported(program, "torch").Optimizer(groups, **arguments)
        self.scheduler = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer, lambda step: float(self._schedule[min(step, steps - 1)] / PEAK)
        )

    def go(self, begin: int, end: int) -> np.ndarray:
        """Weights after each of some steps, shape `(end - begin, 13)`."""
        rows = []
        for step in range(begin, end):
            for parameter, gradient in zip(self.parameters, self._gradients[step], strict=True):
                parameter.grad = torch.tensor(gradient)
            self.optimizer.step()
            self.scheduler.step()
            rows.append(np.concatenate([p.detach().numpy().ravel() for p in self.parameters]))
        return np.stack(rows)


@pytest.mark.parametrize("name", BUILTINS)
def test_the_path_is_that_of_the_interpreter(name: str) -> None:
    np.testing.assert_allclose(
        Walk(builtin(name), STEPS).go(0, STEPS),
        path(builtin(name), STEPS),
        rtol=1e-5,
        atol=1e-4,  # momentum reaches tens
    )


@pytest.mark.parametrize("name", PAPER)
def test_every_function_has_the_values_of_the_interpreter(name: str) -> None:
    found, expected = Walk(calling(name), 1).go(0, 1), path(calling(name), 1)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", BUILTINS)
def test_a_saved_optimizer_goes_on_as_if_nothing_had_been(name: str) -> None:
    whole = Walk(builtin(name), 20).go(0, 20)
    first, second = Walk(builtin(name), 20), Walk(builtin(name), 20)
    first.go(0, 10)
    second.optimizer.load_state_dict(first.optimizer.state_dict())
    second.scheduler.load_state_dict(first.scheduler.state_dict())
    with torch.no_grad():
        for mine, theirs in zip(second.parameters, first.parameters, strict=True):
            mine.copy_(theirs)
    np.testing.assert_array_equal(second.go(10, 20), whole[10:])


def test_groups_have_constants_of_their_own() -> None:
    walk = Walk(builtin("signum"), 1)
    walk.optimizer.param_groups[1]["lr"] = 0.5
    before = [p.detach().clone() for p in walk.parameters]
    walk.go(0, 1)
    moved = [float((p.detach() - b).abs().max()) for p, b in zip(walk.parameters, before, strict=True)]
    assert moved == pytest.approx([1e-2, 0.5, 0.5], rel=1e-2)


@pytest.mark.parametrize(
    ("name", "rate"), [("lion", {"lr": 0.1}), ("lion_raw", {"learning_rate": 1.0, "weight_decay": 0.1})]
)
def test_parameters_without_gradients_stay_and_half_precision_is_kept(name: str, rate: dict[str, float]) -> None:
    used, unused = (torch.nn.Parameter(torch.ones(3, dtype=torch.bfloat16)) for _ in range(2))
    optimizer = exported(builtin(name), "torch").Optimizer([used, unused], **rate)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (used.float() ** 2).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    assert float(optimizer.step(closure).detach()) == 3.0
    assert used.dtype == torch.bfloat16
    assert bool((used < 1).all())
    assert bool((unused == 1).all())
