"""The layout: which package or room may import which, how long a file may be, and what the wheel holds."""

import ast
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.layout import (
    BEHIND,
    BENCHMARKS,
    MAP,
    PACKAGES,
    ROOMS,
    ROOT,
    SOURCES,
    behind,
    imported_modules,
    public_names,
    room,
    updated,
)

LONGEST = 300  # lines; a longer file holds more than one idea
CONFIGS = [path for path in (ROOT / "configs").rglob("*.*") if path.suffix in (".py", ".yaml")]


def test_every_source_lies_in_a_package_and_in_a_room() -> None:
    loose = [path for path in (ROOT / "search").glob("*.py") if path.name != "__init__.py"]
    assert loose == []
    assert {room(path) for path in SOURCES} == {"", *ROOMS}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down_only(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    above = {"tests", "benchmarks", *PACKAGES} - PACKAGES[package] - {package}
    assert not {module.partition(".")[0] for module in imported_modules(path)} & above
    if room(path):
        rooms = {module.split(".")[1] for module in imported_modules(path) if module.startswith("search.")}
        assert rooms <= ROOMS[room(path)] | {room(path)}


@pytest.mark.parametrize("path", [*SOURCES, *BENCHMARKS], ids=lambda path: str(path.relative_to(ROOT)))
def test_packages_and_rooms_are_imported_by_their_public_names(path: Path) -> None:
    assert {(module, name) for module, name in behind(path) if module not in BEHIND} == set()


def test_each_module_that_may_be_imported_past_the_public_names_is() -> None:
    assert {module for path in (*SOURCES, *BENCHMARKS) for module, _ in behind(path)} == set(BEHIND)


@pytest.mark.parametrize("home", [*list(PACKAGES)[:4], *(f"search.{name}" for name in ROOMS)])
def test_a_package_lists_its_public_names_and_says_what_they_are_for(home: str) -> None:
    names, text = public_names(home)
    assert names or home == "search.commands"  # nothing imports the command line
    assert [name for name in names if not re.search(rf"`{name}`", text)] == []


def test_the_map_is_drawn_from_the_source() -> None:
    text = MAP.read_text(encoding="utf-8")
    assert updated(text) == text, "`python -m tests.layout` draws it again"
    named = [part for part in text.split("`") if part.endswith(".py") and "/" in part]
    missing = [name for name in named if not (ROOT / name).is_file() and not (ROOT / "search" / name).is_file()]
    assert missing == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_says_what_it_is_for_and_is_not_too_long(path: Path) -> None:
    text = path.read_text()
    assert ast.get_docstring(ast.parse(text))
    assert len(text.splitlines()) <= LONGEST


def test_tests_are_flat() -> None:
    assert not [path for path in (ROOT / "tests").iterdir() if path.is_dir() and path.name != "__pycache__"]


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_is_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Names of the files in the source distribution and in the wheel that is built from it."""
    folder = tmp_path_factory.mktemp("built")
    source = folder / "source"
    ignored = shutil.ignore_patterns("__pycache__", "*.sqlite*")
    for name in (*PACKAGES, "tests", "configs", "docs", "benchmarks", "results", ".ci"):
        shutil.copytree(ROOT / name, source / name, ignore=ignored)
    for name in (
        "pyproject.toml",
        "MANIFEST.in",
        "conftest.py",
        "Makefile",
        "constraints.txt",
        "README.md",
        "CONTRIBUTING.md",
        "LICENSE",
    ):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    return {"sdist": names, "wheel": set(zipfile.ZipFile(next(folder.glob("*.whl"))).namelist())}


def test_the_wheel_holds_the_packages_their_data_and_the_configs(built: dict[str, set[str]]) -> None:
    (data,) = {name.partition("/")[0] for name in built["wheel"] if ".data/" in name}
    configs = {f"{data}/data/share/optsearch/{path.relative_to(ROOT)}" for path in CONFIGS}
    names = {name for name in built["wheel"] if ".dist-info" not in name} - configs
    assert configs <= built["wheel"]
    assert {name.partition("/")[0] for name in names} == set(PACKAGES)
    assert {"proxy_tasks/baselines.yaml", "selection/learned.json", "primitives/templates/optax.py.j2"} <= names
    assert {f"{package}/py.typed" for package in PACKAGES} <= names
    assert len([name for name in names if name.endswith(".py")]) == len(SOURCES)


def test_the_source_distribution_holds_what_the_tests_need(built: dict[str, set[str]]) -> None:
    paths = [*CONFIGS, *(path for folder in ("tests", "docs", "benchmarks") for path in (ROOT / folder).glob("*.*"))]
    needed = {str(path.relative_to(ROOT)) for path in paths}
    assert (
        needed
        | {"conftest.py", "constraints.txt", "Makefile", "CONTRIBUTING.md", ".ci/run", "results/lion/summary.json"}
        <= built["sdist"]
    )
