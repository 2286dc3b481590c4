"""Layout of the source: packages, rooms, and imports between them. `python -m tests.layout` draws docs/map.md."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MAP = ROOT / "docs" / "map.md"

# Allowed imports between packages, and between the rooms of `search/`. Everything may import itself.
PACKAGES: dict[str, set[str]] = {
    "primitives": set(),
    "proxy_tasks": {"primitives"},
    "simplify": {"primitives"},
    "selection": {"simplify", "proxy_tasks", "primitives"},
    "search": {"selection", "simplify", "proxy_tasks", "primitives"},
    "optsearch": {"search", "selection", "simplify", "proxy_tasks", "primitives"},
}
ROOMS: dict[str, set[str]] = {
    "settings": set(),
    "engine": set(),
    "execution": set(),
    "algorithms": {"engine", "settings"},
    "record": {"engine"},
    "running": {"algorithms", "engine", "execution", "record", "settings"},
    "commands": {"engine", "execution", "record", "running", "settings"},
}
SOURCES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def imported_modules(path: Path) -> Iterator[str]:
    """Modules that a file imports, at its top or inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports across packages are absolute"
            yield node.module or ""


def room(path: Path) -> str:
    """The room of `search/` in which a file lies; empty outside of rooms."""
    parts = path.relative_to(ROOT).parts
    return parts[1] if parts[0] == "search" and len(parts) > 2 else ""


def arrows() -> set[tuple[str, str]]:
    """Imports between packages, `(from, to)`, and between rooms as `search/…`."""
    found = set()
    for path in SOURCES:
        package = path.relative_to(ROOT).parts[0]
        for module in imported_modules(path):
            target, *rest = module.split(".")
            if target in PACKAGES and target != package:
                found.add((package, target))
            elif target == package == "search" and rest and room(path) and rest[0] != room(path):
                found.add((f"search/{room(path)}", f"search/{rest[0]}"))
    return found


def summary(folder: str) -> str:
    """First sentence of the docstring of a package."""
    text = ast.get_docstring(ast.parse((ROOT / folder / "__init__.py").read_text(encoding="utf-8"))) or ""
    return " ".join(text.split("\n\n")[0].split())


def diagram(names: list[str], found: set[tuple[str, str]]) -> str:
    """A Mermaid diagram of some packages or rooms."""
    lines = [f'    {name.replace("/", "_")}["{name.rpartition("/")[2]}"]' for name in names]
    for start, end in sorted(found):
        if start in names and end in names:
            lines.append(f"    {start.replace('/', '_')} --> {end.replace('/', '_')}")
    return "\n".join(["```mermaid", "flowchart TD", *lines, "```"])


def drawn() -> str:
    """The generated part of docs/map.md."""
    rooms = [f"search/{name}" for name in reversed(ROOMS)]
    packages = list(reversed(PACKAGES))
    rows = [f"| `{name}/` | {summary(name)} |" for name in (*packages, *rooms)]
    return "\n".join(
        [
            "| folder | what it holds |\n|---|---|",
            *rows,
            "\n## Imports between packages\n",
            diagram(packages, arrows()),
            "\n## Imports between the rooms of `search/`\n",
            diagram(rooms, arrows()),
            "",
        ]
    )


START, END = "<!-- drawn by python -m tests.layout -->", "<!-- end of the drawn part -->"


def updated(text: str) -> str:
    """The page with its generated part drawn anew."""
    head, rest = text.split(START)
    return f"{head}{START}\n{drawn()}{END}{rest.split(END)[1]}"


if __name__ == "__main__":
    MAP.write_text(updated(MAP.read_text(encoding="utf-8")), encoding="utf-8")
