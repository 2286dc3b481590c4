"""The Python on the pages of the docs runs: blocks of a page in order, in one module."""

import linecache
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.conftest import SMALL_RUN

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGES = {"export.md": 5, "extend.md": 5, "faq.md": 1, "python.md": 4, "tutorial.md": 6}  # least number of blocks
TARGET = {r"best < -0\.2": "best < 9"}  # of the FAQ: reached by the first candidate
SMALLER = {  # budgets of the tutorial, as the test has them; the loops that it compiles are those of python.md
    r"children=\d+": "children=6",
    r"trials=\d+": "trials=4",
    r'("evaluation.seeds": )\d+': r"\g<1>2",
    r'("evaluation.first_seeds": )\d+': r"\g<1>1",
    r'("selection.finalists": )\d+': r"\g<1>2",
    r'("selection.seeds": )\d+': r"\g<1>4",
    r'("selection.tuning_trials": )\d+': r"\g<1>3",
}
CHANGES = {"tutorial.md": SMALLER, "faq.md": TARGET}


def blocks(page: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def smaller(block: str, changes: dict[str, str] = SMALLER) -> str:
    for pattern, replacement in changes.items():
        block = re.sub(pattern, replacement, block)
    return block


@pytest.mark.usefixtures("own_extensions")
@pytest.mark.parametrize("page", PAGES)
def test_the_blocks_of_a_page_run(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.yaml").write_text(SMALL_RUN)
    found = blocks(page)
    assert len(found) >= PAGES[page]
    module = ModuleType("page")
    monkeypatch.setitem(sys.modules, "page", module)  # a custom task is imported from its module
    for number, block in enumerate(found):
        source, name = smaller(block, CHANGES.get(page, {})), f"{page}, block {number}"
        linecache.cache[name] = len(source), None, source.splitlines(keepends=True), name  # as a notebook does
        exec(compile(source, name, "exec"), module.__dict__)
    assert page != "faq.md" or not module.__dict__["run"].complete  # the target has ended the search


def test_links_between_pages_lead_somewhere() -> None:
    for page in [*DOCS.glob("*.md"), DOCS.parent / "README.md", DOCS.parent / "CONTRIBUTING.md"]:
        for link in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if "://" not in link:
                assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_the_tutorial_is_run_with_smaller_budgets() -> None:
    text = "\n".join(blocks("tutorial.md"))
    assert [pattern for pattern in SMALLER if not re.search(pattern, text)] == []
    assert re.findall(r"children=(\d+)", smaller(text)) == ["6", "6"]
