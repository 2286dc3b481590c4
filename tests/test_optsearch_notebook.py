"""A notebook shows a run as HTML and its progress as a bar."""

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.recorded_runs import recorded_run

ROOT = Path(__file__).resolve().parent.parent
_SECONDS = 120  # until a cell is taken for stuck; one takes a second or two

CELLS = """
import sys; sys.path.insert(0, ROOT)
import optsearch
run = optsearch.open(FOLDER)
run
#---
run.best
#---
import time
from optsearch._progress import Bar
bar = Bar()
time.sleep(0.2)  # tqdm shows no more than ten states a second
bar(optsearch.Progress("searching", children=3, total=40, evaluated=2, best=-0.1))
bar.close()
"""


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> list[list[Any]]:
    folder = recorded_run(tmp_path_factory.mktemp("notebook") / "run")
    text = CELLS.replace("ROOT", repr(str(ROOT))).replace("FOLDER", repr(str(folder)))
    cells = [nbformat.v4.new_code_cell(cell) for cell in text.split("#---\n")]  # type: ignore[no-untyped-call]
    notebook = nbformat.v4.new_notebook(cells=cells)  # type: ignore[no-untyped-call]
    NotebookClient(notebook, timeout=_SECONDS, kernel_name="python3").execute()
    return [cell["outputs"] for cell in notebook["cells"]]


def test_a_run_shows_itself_in_a_notebook(outputs: list[list[Any]]) -> None:
    html = outputs[0][-1]["data"]["text/html"]
    assert "<h3>The search found Lion</h3>" in html
    assert "10.0 % lower than that of the tuned AdamW" in html
    assert "front: the best program of each length" in html
    assert "recognised as <b>lion</b>" in outputs[1][-1]["data"]["text/html"]


def test_progress_is_a_bar_in_a_notebook(outputs: list[list[Any]]) -> None:
    shown = "".join(output.get("text", "") for output in outputs[2])
    assert "searching" in shown
    assert "3/40" in shown
    assert "best=-0.100" in shown
