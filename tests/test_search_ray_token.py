"""A cluster that asks for a token: with the right one it is joined; the error of others says where to put it."""

import secrets
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from primitives import UserError
from tests.clusters import end, free_port, head, joined
from tests.workers import job, obedient, settle


class Guarded(NamedTuple):
    """A cluster with a token."""

    address: str
    token: Path


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("guarded")
    token = folder / "token"
    token.write_text(secrets.token_hex(32))
    port = free_port()
    node = head(port, folder, {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)})
    yield Guarded(f"127.0.0.1:{port}", token)
    end(node)


@pytest.fixture(autouse=True)
def empty_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def test_the_token_of_the_cluster_joins_it(guarded: Guarded, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(guarded.token))
    with joined(partial(obedient, tmp_path), guarded.address, []) as executor:
        assert len(settle(executor, [job(number) for number in range(5)])) == 5


@pytest.mark.parametrize("token", ["another", None])
def test_another_token_or_none_is_refused_and_the_places_of_the_token_are_named(
    guarded: Guarded, token: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if token:
        monkeypatch.setenv("RAY_AUTH_MODE", "token")
        monkeypatch.setenv("RAY_AUTH_TOKEN", token)
    with pytest.raises(UserError, match="RAY_AUTH_TOKEN_PATH") as refused:
        joined(partial(obedient, tmp_path), guarded.address, [])
    assert "~/.ray/auth_token" in str(refused.value)
