"""The training scripts of docs/training.md run and lower the loss."""

import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

PAGE = Path(__file__).resolve().parent.parent / "docs" / "training.md"
LIBRARIES = {  # what a section needs beyond the dependencies of tests; `make frameworks` installs them
    "optax": (),
    "Equinox": (),
    "Flax": ("flax",),
    "PyTorch": (),
    "Hugging Face Trainer": ("transformers", "accelerate"),
}


def scripts() -> dict[str, str]:
    """The script of each section of the page, by the heading of the section."""
    sections = PAGE.read_text(encoding="utf-8").split("\n## ")[1:]
    return {text.partition("\n")[0]: text.partition("```python\n")[2].partition("```")[0] for text in sections}


def test_each_section_has_a_script() -> None:
    assert list(scripts()) == list(LIBRARIES)
    assert all(scripts().values())


@pytest.mark.filterwarnings("default")  # those of other libraries
@pytest.mark.parametrize("section", LIBRARIES)
def test_the_script_of_a_section_lowers_the_loss(section: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    absent = [library for library in LIBRARIES[section] if find_spec(library) is None]
    if absent:
        pytest.skip(f"needs {', '.join(absent)}: pip install -c constraints.txt '.[frameworks]'")
    monkeypatch.chdir(tmp_path)
    module = ModuleType("script")
    monkeypatch.setitem(sys.modules, "script", module)
    exec(compile(scripts()[section], f"training.md, {section}", "exec"), module.__dict__)
    losses = [float(loss) for loss in module.__dict__["losses"]]
    assert np.isfinite(losses).all()
    assert losses[-1] < 0.7 * losses[0]
