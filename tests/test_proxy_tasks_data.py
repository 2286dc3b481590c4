"""Real data, cut once and for all into three splits that do not overlap."""

import subprocess
import sys

import numpy as np
import pytest

from proxy_tasks import data
from proxy_tasks.catalog import TASKS, builtin_task
from proxy_tasks.families import problem
from proxy_tasks.task import SPLITS, Task
from tests.processes import ROOT


def test_the_digits_are_all_there_once() -> None:
    splits = data.digits()
    assert [len(splits[name][1]) for name in SPLITS] == [1000, 400, 397]
    images = np.concatenate([splits[name][0].reshape(-1, 64) for name in SPLITS])
    assert images.shape == (1797, 64)
    assert images.min() == 0
    assert images.max() == 1
    assert len(np.unique(images, axis=0)) == 1797


def test_each_split_of_the_digits_has_every_class_about_as_often() -> None:
    for _, labels in data.digits().values():
        shares = np.bincount(labels) / len(labels)
        assert shares.shape == (10,)
        assert np.all((shares > 0.06) & (shares < 0.14))


def test_the_text_is_english_of_some_length_and_cut_into_consecutive_stretches() -> None:
    splits = data.documentation()
    assert sum(len(tokens) for tokens in splits.values()) > 350_000
    text = "".join(data.CHARACTERS[token] for token in splits["train"])
    assert " the " in text
    assert "Python" in text
    assert len(splits["validation"]) == pytest.approx(len(splits["test"]), rel=0.01)
    assert len(splits["train"]) == pytest.approx(8 * len(splits["test"]), rel=0.01)


@pytest.mark.parametrize("name", TASKS)
def test_splits_share_no_row(name: str) -> None:
    rows = problem(builtin_task(name)).rows
    seen = [{row.tobytes() for row in next(iter(rows[split].values()))} for split in SPLITS]
    assert all(len(part) > 80 for part in seen)
    assert not seen[0] & seen[1]
    assert not seen[0] & seen[2]
    assert not seen[1] & seen[2]


def test_shifted_images_are_the_originals_moved_by_a_pixel() -> None:
    shifted = problem(Task("shifted", "digit classification", "", 8, 1, settings={"hidden": (4,), "shift": 1}))
    images = shifted.rows["train"]["x"].reshape(9, 1000, 8, 8)
    original = data.digits()["train"][0]
    np.testing.assert_array_equal(images[4], original)
    np.testing.assert_array_equal(images[0][:, :-1, :-1] * 0 + images[0][:, 1:, 1:], original[:, :-1, :-1])
    np.testing.assert_array_equal(images[0][:, 0], 0)
    assert shifted.examples("train") == 9000
    assert shifted.examples("validation") == 400


def test_the_digits_are_read_as_scikit_learn_reads_them_and_without_importing_it() -> None:
    code = "import sys; from proxy_tasks.data import digits; digits(); sys.exit('sklearn' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
    from sklearn.datasets import load_digits

    for read, loaded in zip(data._shipped_digits(), load_digits(return_X_y=True), strict=True):
        assert np.array_equal(read, loaded)
