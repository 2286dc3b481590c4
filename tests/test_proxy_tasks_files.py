"""Data files of a user: what can be read is read, and what cannot ends in one line with cause and remedy."""

import io
import os
import re
import struct
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from primitives.errors import UserError
from proxy_tasks import data

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(60, 2))
Y = np.arange(60) % 3


def stored(folder: Path, **arrays: Any) -> str:
    path = folder / "data.npz"
    np.savez(path, **arrays)
    return str(path)


def refusal(path: str, limit: int = 2**20) -> str:
    with pytest.raises(UserError) as error:
        data.arrays.__wrapped__(path, limit)
    assert "\n" not in str(error.value)
    assert path in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    "labels",
    [
        Y.astype(np.float32),
        Y.astype(np.int8),
        Y.astype(np.uint64),
        np.array(["ant", "bee", "cow"])[Y],
        np.array([b"ant", b"bee", b"cow"])[Y],
    ],
    ids=lambda labels: str(labels.dtype),
)
def test_whole_numbers_of_any_type_and_names_are_classes(labels: np.ndarray, tmp_path: Path) -> None:
    expected = data.arrays.__wrapped__(stored(tmp_path, x=X, y=Y))
    found = data.arrays.__wrapped__(stored(tmp_path, x=X, y=labels))
    for split in expected:
        np.testing.assert_array_equal(found[split][1], expected[split][1])
        assert found[split][1].dtype == np.int32


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "other names": ({"features": X, "y": Y}, r"must hold the arrays `x` and `y`; it holds `features`, `y`: write one"),
    "objects": ({"x": np.array([{}] * 60, object), "y": Y}, r"`x` holds Python objects; convert it with"),
    "text": ({"x": np.array([["a"]] * 60), "y": Y}, r"`x` must hold numbers; `x` is <U1\[60, 1\]"),
    "complex": ({"x": X * 1j, "y": Y}, r"`x` must hold numbers; `x` is complex128"),
    "flat": ({"x": X[:, 0], "y": Y}, r"shape \(N, D\) or .*; `x` is float64\[60\]; reshape it with `x\[:, None\]`"),
    "deep": ({"x": X[:, :, None, None], "y": Y}, r"`x` is float64\[60, 2, 1, 1\]; flatten each example"),
    "no columns": ({"x": np.ones((178, 0)), "y": Y}, r"must have at least one number; `x` is float64\[178, 0\]"),
    "few": ({"x": X[:40], "y": Y[:40]}, r"50 examples or more are needed; `x` is float64\[40, 2\]"),
    "none": ({"x": X[:0], "y": Y[:0]}, r"50 examples or more are needed"),
    "nan": ({"x": np.where(X > 1, np.nan, X), "y": Y}, r"`x` has \d+ values that are not finite"),
    "long": ({"x": np.longdouble(X) * np.longdouble("1e400"), "y": Y}, r"has 120 values that are not finite"),
    "lengths": ({"x": X, "y": Y[:59]}, r"must have the same length; x is \[60, 2\], y is \[59\]"),
    "column": ({"x": X, "y": Y[:, None]}, r"`y` is int64\[60, 1\]; take `y\[:, 0\]`"),
    "one hot": ({"x": X, "y": np.eye(3)[Y]}, r"`y` is float64\[60, 3\]; take `y.argmax\(axis=1\)`"),
    "fractions": ({"x": X, "y": Y / 2}, r"`y` must hold whole numbers or names of classes; .* has fractions"),
    "nan labels": ({"x": X, "y": Y * np.nan}, r"values that are not finite"),
    "dates": ({"x": X, "y": Y.astype("datetime64[D]")}, r"holds no classes"),
    "gap": ({"x": X, "y": Y * 2}, r"without a gap; they are 0, 2, 4: number them with `y = np.unique"),
    "one class": ({"x": X, "y": Y * 0}, r"one class only, so that nothing can be learnt"),
    "one name": ({"x": X, "y": np.array(["a"] * 60)}, r"one class only, so that nothing can be learnt"),
    "constant": ({"x": X * 0 + 5, "y": Y}, r"is the same in all training examples, so that nothing can be learnt"),
    "overflow": ({"x": X * 1e300, "y": Y}, r"overflows when it is scaled \(values up to \d\.\de\+300\); divide it by"),
    "underflow": ({"x": X * 1e-300, "y": Y}, r"varies too little for float64; multiply it"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_arrays_from_which_nothing_can_be_learnt_are_refused(case: str, tmp_path: Path) -> None:
    arrays, message = REFUSED[case]
    assert re.search(message, refusal(stored(tmp_path, **arrays)))


def test_a_remedy_works(tmp_path: Path) -> None:
    y = np.unique(Y * 2, return_inverse=True)[1]
    assert set(data.arrays.__wrapped__(stored(tmp_path, x=X * 1e300 / 1e300, y=y))) == {"train", "validation", "test"}


def test_files_of_another_kind_are_named_as_what_they_are(tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", X)
    (tmp_path / "one.npy").rename(tmp_path / "array.npz")
    (tmp_path / "table.npz").write_text("a,b\n1,2\n")
    (tmp_path / "empty.npz").write_bytes(b"")
    (tmp_path / "noise.npz").write_bytes(bytes(range(256)))
    (tmp_path / "cut.npz").write_bytes(Path(stored(tmp_path, x=X, y=Y)).read_bytes()[:700])
    os.mkfifo(tmp_path / "pipe.npz")
    said = {
        name: refusal(str(tmp_path / f"{name}.npz")) for name in ("array", "table", "empty", "noise", "cut", "pipe")
    }
    assert (
        "is a single array (.npy); an .npz file with `x` and `y` is needed: write one with `np.savez(" in said["array"]
    )
    assert "is text (a CSV file?); an .npz file" in said["table"]
    assert "is empty; a data file with content is needed" in said["empty"]
    assert "is of an unknown kind" in said["noise"]
    assert "cannot be read as an .npz file of plain arrays: File is not a zip file" in said["cut"]
    assert "is no regular file; a data file is needed" in said["pipe"]
    assert "is no regular file" in refusal("/dev/zero")
    assert "there is no data file" in refusal(str(tmp_path / "none.npz"))
    assert "has 1" in (large := refusal(stored(tmp_path, x=np.ones((900, 2)), y=Y), limit=1000))
    assert "bytes; a data file may have 1,000 at most" in large


def test_a_header_may_not_claim_more_than_there_is(tmp_path: Path) -> None:
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (9000000000000, 1), }"
    header += b" " * (118 - 1 - len(header)) + b"\n"
    array = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + b"\0" * 80
    with zipfile.ZipFile(tmp_path / "forged.npz", "w") as archive:
        archive.writestr("x.npy", array)
        archive.writestr("y.npy", array)
    assert "would take more than 1,048,576 bytes of memory" in refusal(str(tmp_path / "forged.npz"))
    with zipfile.ZipFile(tmp_path / "short.npz", "w") as archive:
        archive.writestr("x.npy", array.replace(b"9000000000000", b"9000         "))
        archive.writestr("y.npy", array)
    assert "the header of `x` claims 72,000 bytes, but there are 80" in refusal(str(tmp_path / "short.npz"))
    np.savez_compressed(tmp_path / "bomb.npz", x=np.zeros((200_000, 2)), y=np.zeros(200_000, int))
    assert (tmp_path / "bomb.npz").stat().st_size < 10_000
    assert "would take more than 1,048,576 bytes of memory" in refusal(str(tmp_path / "bomb.npz"))


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


EMPTY_NAMES = npy(Y).replace(b"'<i8'", b"'<U0'").replace(b"(60,), }      ", b"(1000000000,)}")
HEADER = b"\x93NUMPY\x02\x00" + struct.pack("<I", 10**9) + b" " * 1000
HOSTILE: dict[str, tuple[list[tuple[str, bytes]], int, str]] = {
    "raw name": (
        [("x", npy(np.zeros((10**6, 2)))), ("x.npy", npy(X)), ("y.npy", npy(Y))],
        8,
        "more than one array `x`",
    ),
    "same name": ([("x.npy", npy(X)), ("y.npy", npy(Y)), ("y.npy", npy(Y))], 8, "more than one array `y`"),
    "no bytes": ([("x.npy", npy(X)), ("y.npy", EMPTY_NAMES[:128])], 8, r"`y` holds values of no bytes \(<U0\)"),
    "long header": ([("x.npy", HEADER), ("y.npy", npy(Y))], 8, "a header has 1,000,000,000 bytes"),
    "other packing": ([("x.npy", npy(X)), ("y.npy", npy(Y))], 12, "`x` is compressed in another way than by numpy"),
    "small type": ([("x.npy", npy(np.zeros((30_000, 2), np.uint8))), ("y.npy", npy(Y))], 8, "more than 1,048,576"),
    "many members": ([(f"{number}", b"") for number in range(6_000)], 0, r"its directory has \d+,\d{3} bytes"),
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("case", HOSTILE)
def test_an_archive_that_would_fill_the_memory_is_refused_before_it_is_expanded(case: str, tmp_path: Path) -> None:
    members, packing, message = HOSTILE[case]
    path = tmp_path / "hostile.npz"
    with zipfile.ZipFile(path, "w", packing) as archive:
        for name, content in members:
            archive.writestr(name, content)
    tracemalloc.start()
    try:
        assert re.search(message, refusal(str(path)))
        assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    finally:
        tracemalloc.stop()


def test_a_text_is_numbered_in_a_few_times_its_size(tmp_path: Path) -> None:
    path, size = tmp_path / "sparse.txt", 2**22
    path.write_bytes(b"ab" + b"\0" * (size - 2))
    tracemalloc.start()
    try:
        splits, vocabulary = data.text.__wrapped__(str(path), 2**26)
        assert (
            tracemalloc.get_traced_memory()[1] < 6 * size + 20 * 2**20
        )  # a block as code points, and the lookup table
    finally:
        tracemalloc.stop()
    assert (vocabulary, splits["train"][:3].tolist()) == (4, [2, 3, 1])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    flips=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=6),
    cut=st.integers(0, 9),
    packed=st.booleans(),
)
def test_a_damaged_file_is_read_or_refused_in_one_line(
    flips: list[tuple[int, int]], cut: int, packed: bool, tmp_path: Path
) -> None:
    buffer = io.BytesIO()
    (np.savez_compressed if packed else np.savez)(buffer, x=X, y=Y)
    content = bytearray(buffer.getvalue())
    for place, value in flips:
        content[place % len(content)] = value
    path = tmp_path / "flipped.npz"
    path.write_bytes(content[: len(content) - 100 * cut])
    try:
        said = " ".join(data.arrays.__wrapped__(str(path), 2**20))
    except UserError as error:
        said = str(error)
    assert "\n" not in said


def test_texts_that_teach_nothing_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"

    def said() -> str:
        with pytest.raises(UserError) as error:
            data.text.__wrapped__(str(path), 80_000)
        return str(error.value)

    path.write_text("a" * 5000)
    assert "the training part repeats a single character" in said()
    path.write_text("a" * 4900 + "bc")
    assert "nothing can be learnt" in said()
    path.write_bytes(b"")
    assert "is empty; a text file with content is needed" in said()
    path.write_bytes("caf\xe9 ".encode("latin-1") * 99)
    assert said() == f"`{path}` is no text in UTF-8 (byte 3 is 0xe9); convert it with `iconv`"
    path.write_text("ab" * 9000)
    assert "has 18,000 bytes; a text file may have 10,000 at most (an eighth of `data_limit`)" in said()
    path.write_text("\ufeff" + "ab" * 900)
    assert data.text.__wrapped__(str(path))[1] == 3
