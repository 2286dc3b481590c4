"""The page of the language. `python -m tests.language_page` writes its table of functions from the registry."""

from pathlib import Path

from primitives import REGISTRY
from primitives.paper import SOURCE

PAGE = Path(__file__).resolve().parent.parent / "docs" / "language.md"
MARKS = "<!-- functions: begin -->", "<!-- functions: end -->"


def table() -> str:
    """The table of functions, one row for each."""
    lines = ["| function | kinds | meaning | properties |", "|---|---|---|---|"]
    for primitive in (row for row in REGISTRY if row.source == SOURCE):
        call = f"x {primitive.symbol} y" if primitive.symbol else primitive.name
        names = " or ".join(f"`{name}`" for name in (call, *primitive.aliases))
        properties = ", ".join(sorted(str(one).replace("_", " ") for one in primitive.properties))
        formula = primitive.formula.replace("|", "\\|")
        lines.append(f"| {names} | {primitive.signature().replace('->', '→')} | {formula} | {properties} |")
    return "\n".join(lines)


def page() -> str:
    """The text of docs/language.md with the table of now."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(MARKS[0])
    after = rest.partition(MARKS[1])[2]
    return f"{before}{MARKS[0]}\n{table()}\n{MARKS[1]}{after}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
