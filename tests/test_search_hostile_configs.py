"""Configs from others that would exhaust memory or time: each ends soon, in one line and with exit status 2."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from search.commands.main import main
from tests.test_proxy_tasks_files import X, Y


def refusal(config: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line with which `validate` refuses a config."""
    assert main(["validate", str(config), *arguments]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert len(shown.err.splitlines()) == 1
    assert len(shown.err) < 1500
    return shown.err


TASKS = {
    "layers": (
        "family: image classification, settings: {layers: 1000000}",
        "`layers` (=1000000) must be a whole number, above 0 and at most 100",
    ),
    "hidden": ("family: classification, settings: {hidden: [" + "1, " * 999 + "1]}", "`hidden` has 1,000 entries"),
    "width": ("family: image classification, settings: {width: 1" + "0" * 300 + "}", "and at most 1,000,000,000"),
    "shift": (
        "family: classification, settings: {shift: 100}",
        "`shift` (=100) must be a whole number, 0 or more and at most 16",
    ),
    "views": (
        "family: contrastive views, settings: {shift: 100}",
        "`shift` (=100) must be a whole number, 0 or more and at most 16",
    ),
    "draws": ("family: denoising diffusion, settings: {draws: 100000}", "drawn `draws` (=100000) times would take"),
    "circumstances": ("family: classification, circumstances: [" + "{peak: 0.1}, " * 400 + "]", "at most 64 items"),
    "label noise": (
        "family: classification, circumstances: [" + ", ".join(f"{{label_noise: {i / 64}}}" for i in range(64)) + "]",
        "the rows of 17 circumstances would take",
    ),
}


@pytest.mark.parametrize("case", TASKS)
def test_settings_of_a_task_that_would_fill_the_memory_are_refused(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, message = TASKS[case]
    np.savez(tmp_path / "cells.npz", x=np.repeat(X[:, :, None], 8, axis=2), y=Y)
    config = tmp_path / "theirs.yaml"
    config.write_text(f"tasks: [{{name: theirs, data: cells.npz, {settings}}}]")
    if case == "label noise":
        monkeypatch.setattr(
            "proxy_tasks.data.LIMIT", 16 * 4 * 60 * (2 * 8 + 1)
        )  # bytes of the rows of 16 circumstances
    tracemalloc.start()
    try:
        assert message in refusal(config, capsys)
        assert tracemalloc.get_traced_memory()[1] < 50 * 2**20
    finally:
        tracemalloc.stop()


TEXTS = {
    "empty integer": 'seed: !!int ""',
    "empty float": 'seed: !!float ""',
    "no bool": 'seed: !!bool "x"',
    "no time": 'seed: !!timestamp "x"',
    "no set": "seed: !!set [1]",
    "base 60": "seed: " + ":".join(["1"] * 300) + ".0",
    "hexadecimal": "seed: 0x" + "f" * 5000,
    "long base 60": "seed: 1" + ":0" * 490_000,
    "null byte": 'tasks: [{name: a, family: classification, data: "a\\0b"}]',
    "long data": f"tasks: [{{name: a, family: classification, data: {'a' * 5000}}}]",
    "long program": f"program: {'a' * 5000}",
    "null byte in a program": 'program: "a\\0b"',
    "long plugin": f"search: {{plugins: [{'a' * 5000}]}}",
    "long family": f"tasks: [{{name: a, family: '{'a' * 5000}:f'}}]",
}


@pytest.mark.parametrize("case", TEXTS)
def test_values_and_paths_that_cannot_be_are_refused(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "theirs.yaml"
    config.write_text(TEXTS[case])
    refusal(config, capsys)


def test_shifted_images_take_no_more_memory_than_was_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "cells.npz", x=np.repeat(X[:, :, None], 64, axis=2), y=Y)
    config = tmp_path / "theirs.yaml"
    task = "{name: theirs, family: classification, data: cells.npz, settings: {shift: 8}}"
    config.write_text(f"tasks: [{task}]")
    tracemalloc.start()
    try:
        assert main(["validate", str(config)]) == 0
        assert tracemalloc.get_traced_memory()[1] < 2 * 17**2 * 36 * 128 * 4 + 4 * 2**20
    finally:
        tracemalloc.stop()
