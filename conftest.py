"""The examples in docstrings leave nothing registered behind, which tests in the same process would see."""

import pytest


@pytest.fixture(autouse=True)
def _examples_register_for_themselves(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if isinstance(request.node, pytest.DoctestItem):
        from tests.extensions import forget_extensions

        forget_extensions(monkeypatch)
