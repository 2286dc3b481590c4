"""The Python on the pages of the docs runs: blocks of a page in order, in one module."""

import linecache
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGES = {"export.md": 5, "extend.md": 5, "python.md": 4, "tutorial.md": 6}  # least number of blocks
SMALLER = {  # budgets of the tutorial, as the test has them; the loops that it compiles are those of python.md
    r"children=\d+": "children=6",
    r"trials=\d+": "trials=4",
    r'("evaluation.seeds": )\d+': r"\g<1>2",
    r'("evaluation.first_seeds": )\d+': r"\g<1>1",
    r'("selection.finalists": )\d+': r"\g<1>2",
    r'("selection.seeds": )\d+': r"\g<1>4",
    r'("selection.tuning_trials": )\d+': r"\g<1>3",
}


def blocks(page: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def smaller(block: str) -> str:
    for pattern, replacement in SMALLER.items():
        block = re.sub(pattern, replacement, block)
    return block


@pytest.mark.usefixtures("own_extensions")
@pytest.mark.parametrize("page", PAGES)
def test_the_blocks_of_a_page_run(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = blocks(page)
    assert len(found) >= PAGES[page]
    module = ModuleType("page")
    monkeypatch.setitem(sys.modules, "page", module)  # a custom task is imported from its module
    for number, block in enumerate(found):
        source, name = smaller(block) if page == "tutorial.md" else block, f"{page}, block {number}"
        linecache.cache[name] = len(source), None, source.splitlines(keepends=True), name  # as a notebook does
        exec(compile(source, name, "exec"), module.__dict__)


def test_links_between_pages_lead_somewhere() -> None:
    for page in [*DOCS.glob("*.md"), DOCS.parent / "README.md", DOCS.parent / "CONTRIBUTING.md"]:
        for link in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if "://" not in link:
                assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_the_tutorial_is_run_with_smaller_budgets() -> None:
    text = "\n".join(blocks("tutorial.md"))
    assert [pattern for pattern in SMALLER if not re.search(pattern, text)] == []
    assert re.findall(r"children=(\d+)", smaller(text)) == ["6", "6"]
