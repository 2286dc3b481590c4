"""The house: who may import whom, how long a file may be, and what the wheel holds."""

import ast
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ["primitives", "proxy_tasks", "simplify", "selection", "search", "optsearch"]
ALLOWED = {
    "primitives": set(),
    "proxy_tasks": {"primitives"},
    "simplify": {"primitives"},
    "selection": {"simplify", "proxy_tasks", "primitives"},
    "search": {"selection", "simplify", "proxy_tasks", "primitives"},
    "optsearch": {"search", "selection", "simplify", "proxy_tasks", "primitives"},
}
LONGEST = 300  # lines; more wants a reason
SOURCES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def imported(path: Path) -> set[str]:
    """Top-level names that a module imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports across packages are absolute"
            found.add((node.module or "").partition(".")[0])
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down_only(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    above = set(PACKAGES) - ALLOWED[package] - {package}
    assert not imported(path) & (above | {"tests"})


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


def test_the_wheel_holds_the_packages_their_data_and_nothing_else(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for name in (*PACKAGES, "tests", "configs", "docs"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0] for name in names if ".dist-info" not in name} == set(PACKAGES)
    assert {"proxy_tasks/baselines.yaml", "selection/learned.json", "primitives/templates/optax.py.j2"} <= set(names)
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(names)
    assert len([name for name in names if name.endswith(".py")]) == len(SOURCES)
