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
    "report": {"record", "settings"},
    "running": {"algorithms", "engine", "execution", "record", "report", "settings"},
    "claims": {"record", "running", "settings"},
    "commands": {"claims", "engine", "execution", "record", "report", "running", "settings"},
}
# Modules that may be imported from outside of their package or room, though packages are imported by their public names
# alone: each with its reason. Tests may import any module.
BEHIND: dict[str, str] = {
    "primitives.drawing": "loads matplotlib, which nothing but a drawing needs",
    "search.commands.start": "imports nothing, so that Ctrl-C ends the command before JAX is loaded",
    "primitives.kernel": "loads Pallas; `benchmarks.kernel_check` computes the memory of a kernel",
    "proxy_tasks.inputs": "`benchmarks.scoring` times the arrays of the training loop",
    "proxy_tasks.loops": "benchmarks time the compiled training loops alone",
    "proxy_tasks.sanity": "`benchmarks.hurdles` draws the threshold of the probe",
    "search.algorithms.structures.cells": "`benchmarks.generations` breeds from published optimizers",
    "search.algorithms.structures.corpus": "`benchmarks.operators` draws with the parts of the algorithm",
    "search.algorithms.structures.offspring": "`benchmarks.generations` times the requests of a generation",
    "search.algorithms.structures.operators": "`benchmarks.operators` draws with the parts of the algorithm",
    "search.algorithms.structures.prior": "`benchmarks.operators` draws with the parts of the algorithm",
    "search.algorithms.structures.replay": "`benchmarks.generations` times replays",
    "search.record.candidate_table": "`benchmarks.journals` writes a million rows past the journal",
    "search.execution.cluster": "`benchmarks.pool_costs` starts Ray for a pool alone",
    "search.execution.messages": "`benchmarks.pool_costs` times the pool alone",
    "search.execution.private_ray": "`benchmarks.pool_costs` starts Ray for a pool alone",
    "search.execution.worker_pool": "`benchmarks.pool_costs` times the pool alone",
    "search.running.loop": "`benchmarks.scaling` times the loop alone",
    "selection.baselines": "`benchmarks.proxies` tunes entrants that are no baselines",
    "selection.learned": "`benchmarks.learned` trains the learned optimizer",
    "selection.optimizers": "`benchmarks.learned` trains the learned optimizer",
    "selection.tuning": "`benchmarks.luck` is generic in the entrants that it tunes",
    "simplify.yardstick": "benchmarks judge ablations, and multiply the rate of a program, as the yardstick does",
}
BENCHMARKS = sorted((ROOT / "benchmarks").glob("*.py"))
SOURCES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def imported_modules(path: Path) -> Iterator[str]:
    """Modules that a file imports, at its top or inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports across packages are absolute"
            yield node.module or ""


def imports(path: Path) -> Iterator[tuple[str, str]]:
    """Each `(module, name)` that a file imports from a package of the project; the name of `import module` is empty."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names if alias.name.split(".")[0] in PACKAGES)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in PACKAGES:
            yield from ((node.module or "", alias.name) for alias in node.names)


def home(module: str) -> str:
    """The package or the room of `search/` to which a module belongs."""
    parts = module.split(".")
    return ".".join(parts[: 2 if parts[0] == "search" else 1])


def public_names(home: str) -> tuple[list[str], str]:
    """The public names of a package or room, in the order of its `__all__`, and its docstring."""
    tree = ast.parse((ROOT / home.replace(".", "/") / "__init__.py").read_text(encoding="utf-8"))
    assigned = {ast.unparse(node.targets[0]): node.value for node in tree.body if isinstance(node, ast.Assign)}
    names = ast.literal_eval(assigned["__all__"]) if "__all__" in assigned else []
    return names, ast.get_docstring(tree) or ""


def behind(path: Path) -> set[tuple[str, str]]:
    """Imports of a file from other packages or rooms that are not public names of these."""
    own = home(".".join(path.relative_to(ROOT).with_suffix("").parts))
    foreign = {(module, name) for module, name in imports(path) if home(module) != own}
    return {(module, name) for module, name in foreign if module != home(module) or name not in public_names(module)[0]}


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
            "\n## Imports between the subpackages of `search/`\n",
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
