"""`optsearch simplify` and `optsearch export` as a user meets them."""

import ast
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from primitives import builtin, load_program, parse, structure_hash, to_text
from primitives.drawing import graph_of
from primitives.export import TARGETS
from search.commands.main import main
from search.record.candidate_table import CandidateRow
from search.running import conclude as conclusion
from selection.derivation import derive
from tests.processes import ROOT
from tests.test_search_commands import run_json

PRINTED = ROOT / "configs" / "lion_raw_printed.py"  # for a rate with peak 1, at which its clips were found


def test_the_papers_program_ends_in_lion_on_digits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, drawing = tmp_path / "lion.py", tmp_path / "lion.png"
    facts = run_json(capsys, "simplify", str(PRINTED), "--task", "digits", "--out", str(file), "--draw", str(drawing))
    assert facts["recognised"] == "lion"
    constants = facts["constants"]
    assert constants["beta1"] == pytest.approx(0.9, abs=5e-4)
    assert constants["beta2"] == pytest.approx(0.998, abs=5e-4)
    assert constants["decay"] == pytest.approx(0.46, abs=5e-3)
    assert constants["rate"] == pytest.approx(0.022, abs=5e-4)
    program = parse(facts["program"])
    assert structure_hash(program) == structure_hash(builtin("lion"))
    assert parse(file.read_text()) == program
    kinds = [step["exactness"] for step in facts["steps"]]
    assert {"exact", "exact up to the guard in /", "scored"} == set(kinds)
    dropped = [step["before"] for step in facts["steps"] if step["exactness"] == "scored"]
    assert {"clip(g, 100 * lr)", "arcsin(clip(g, 100 * lr))"} <= set(dropped)
    assert all("is noise" in step["note"] for step in facts["steps"] if step["exactness"] == "scored")
    assert drawing.read_bytes().startswith(b"\x89PNG")


def test_without_a_task_it_ends_in_the_exact_part(capsys: pytest.CaptureFixture[str]) -> None:
    facts = run_json(capsys, "simplify", "lion_raw")
    assert facts["recognised"] is None
    assert facts["resembles"]["name"] == "lion"
    assert facts["resembles"]["remainder"] == ["arcsin(clip(g, lr)) in place of g"]
    assert facts["statements"] == 9
    assert "scored" not in {step["exactness"] for step in facts["steps"]}
    assert main(["simplify", "lion_raw"]) == 0
    shown = capsys.readouterr().out
    for words in ("live part: 12 of 21", "√x² = |x|", "simplified: 9 statements", "resembles lion", "left over"):
        assert words in shown


def test_inspect_shows_the_derivation_of_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    facts = run_json(capsys, "inspect", "lion_raw")
    assert facts["steps"] == run_json(capsys, "simplify", "lion_raw")["steps"]
    assert main(["inspect", "lion_raw"]) == 0
    assert "exact derivation" in capsys.readouterr().out


@pytest.mark.parametrize("to", TARGETS)
def test_export_writes_code_to_the_terminal_or_to_a_file(
    to: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(["export", "adamw", "--to", to]) == 0
    printed = capsys.readouterr().out
    file = tmp_path / "out.txt"
    facts = run_json(capsys, "export", "adamw", "--to", to, "--out", str(file))
    assert facts["code"] == file.read_text() == printed
    assert "Loshchilov and Hutter" in printed
    assert "adamw" in printed.lower()
    if to != "latex":
        compile(printed, "<exported>", "exec")


def test_an_export_is_called_after_its_file_or_as_one_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "my best-one.py"
    file.write_text(to_text(builtin("signum")))
    assert "def my_best_one(" in run_json(capsys, "export", str(file), "--to", "optax")["code"]
    assert "class Signsign(" in run_json(capsys, "export", str(file), "--to", "torch", "--name", "signsign")["code"]


def test_arguments_are_named_after_what_the_program_resembles(capsys: pytest.CaptureFixture[str]) -> None:
    code = run_json(capsys, "export", "lion_raw", "--to", "optax")["code"]
    assert "weight_decay: Scalar = 0.46" in code
    assert "learning_rate_2" not in code
    assert "beta2" not in code  # which is no constant of the raw program
    assert "beta2: Scalar = 0.9" in run_json(capsys, "export", "rmsprop", "--to", "optax")["code"]


def test_of_a_run_the_simplified_champion_is_exported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "simplified.py").write_text(to_text(builtin("signum")))
    found = run_json(capsys, "export", str(tmp_path), "--to", "python")["code"]
    assert to_text(builtin("signum")).splitlines()[2].strip() in found
    (tmp_path / "simplified.py").unlink()
    assert main(["export", str(tmp_path), "--to", "python"]) == 2
    assert "has no `simplified.py`" in capsys.readouterr().err


def test_a_hostile_file_name_stands_in_comments_and_docstrings_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trap = tmp_path / "trap"
    program = tmp_path / f'x""";open({trap.name!r},"w");""".py\nimport os'
    program.write_text(to_text(builtin("signum")))
    for to in ("optax", "python", "torch"):
        ast.parse(run_json(capsys, "export", str(program), "--to", to)["code"])
    out = tmp_path / "out.py"
    run_json(capsys, "simplify", str(program), "--out", str(out))
    assert len(ast.parse(out.read_text()).body) == 1
    assert structure_hash(load_program(str(out))) == structure_hash(builtin("signum"))


MISTAKES = {
    "no target": (["export", "lion"], "--to"),
    "another target": (["export", "lion", "--to", "jax"], "jax"),
    "a name that is none": (["export", "lion", "--to", "optax", "--name", "a b"], "`a b` cannot be the name"),
    "a keyword": (["export", "lion", "--to", "optax", "--name", "class"], "`class` cannot be the name"),
    "no such program": (["export", "lyon", "--to", "optax"], "did you mean `lion`"),
    "nowhere to write": (["export", "lion", "--to", "optax", "--out", "none/x.py"], "`none/x.py` cannot be written"),
    "no such task": (["simplify", "lion", "--task", "digit"], "did you mean `digits`"),
    "tuning on nothing": (["simplify", "lion", "--tune", "5"], "`--tune` needs a task"),
    "one seed": (["simplify", "lion", "--task", "digits", "--seeds", "1"], "--seeds"),
    "a drawing of no format": (["simplify", "lion", "--draw", "x.gif"], "must end in .png, .svg, .pdf"),
    "a drawing nowhere": (["simplify", "lion", "--draw", "none/x.svg"], "`none/x.svg` cannot be written"),
    "a program that diverges": (["simplify", "bad.py", "--task", "digits", "--seeds", "2"], "diverges on this task"),
}


@pytest.mark.parametrize(("arguments", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_line_and_nothing_half_made(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.py").write_text("def train(w, g, m, v, lr):\n    update = log(m)\n    return update, m, v\n")
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err.splitlines()[-1]
    assert "Traceback" not in captured.err
    assert [path.name for path in tmp_path.iterdir()] == ["bad.py"]


def test_a_drawing_shows_every_live_statement_and_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    graph = graph_of(builtin("adamw"))
    labels = {label.partition("\n")[0] for _, label in graph.nodes(data="label")}
    assert {"w", "g", "m", "v", "lr", "interp", "square", "sqrt", "/", "*", "+", "update", "next m", "next v"} == labels
    assert all(graph.nodes[a]["layer"] < graph.nodes[b]["layer"] for a, b in graph.edges)
    first, second = tmp_path / "a.svg", tmp_path / "b.svg"
    for path in (first, second):
        run_json(capsys, "simplify", "lion", "--draw", str(path))
    assert ET.parse(first).getroot().tag.endswith("svg")
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.usefixtures("own_registry")
def test_a_run_with_a_function_that_cannot_be_exported_ends_all_the_same(
    small_run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conclusion, "derive", lambda program, *_, **__: derive(program))  # exactly: nothing is dropped
    (small_run.parent / "softsign_for_a_test.py").write_text(
        "import jax.numpy as jnp\nfrom primitives import ANY, Primitive, register\n"
        "register(Primitive('softsign', lambda x: x / (1 + jnp.abs(x)), (ANY,)))\n"
    )
    (small_run.parent / "start.py").write_text(
        "def train(w, g, m, v, lr):\n    s = softsign(g)\n    update = s * lr\n    return update, m, v\n"
    )
    settings = ("search.children=1", "search.plugins=[softsign_for_a_test]", "program=start.py")
    run_json(capsys, "run", str(small_run), *(part for setting in settings for part in ("--set", setting)))
    exported = Path("results/small/optax_export.py").read_text()
    assert exported.startswith("# Not exported: `softsign` has no `code`")
    assert "softsign" in Path("results/small/simplified.py").read_text()


def test_finalists_that_do_the_same_count_once_also_where_probes_are_not_finite() -> None:
    def row(*lines: str, losses: list[float]) -> CandidateRow:
        text = "\n    ".join(["def train(w, g, m, v, lr):", *lines, "return update, m, v\n"])
        blank = CandidateRow(0, 0, None, "", text, "", 0.0, 0.0, "ok", "", None, "", b"", 0, 1, 1, 0, {}, None)
        return blank._replace(losses={"vit": losses})

    key = conclusion._Behaviour()
    one = key(row("x = arccos(g)", "x = g / x", "update = sign(x)", losses=[0.4, 0.5]))
    assert key(row("x = arccos(g)", "x = reciprocal(x)", "x = x * g", "update = sign(x)", losses=[0.4, 0.5])) == one
    assert key(row("x = arccos(g)", "update = x * g", losses=[0.4, 0.6])) != one
    sound = key(row("update = sign(g)", losses=[0.3, 0.3]))
    assert key(row("x = g * 3.0", "update = sign(x)", losses=[0.3000001, 0.3])) == sound
    assert key(row("update = sin(g)", losses=[0.7, 0.3])) not in (one, sound)
