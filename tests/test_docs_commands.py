"""The commands that the docs show: all are parsed, and those that do not train are run on a recorded run."""

import lzma
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml
from markdown_it import MarkdownIt

from primitives import builtin, to_text
from search.commands.main import cli, main
from search.record import JOURNAL
from search.settings import Config
from tests.conftest import SMALL_RUN
from tests.recorded_runs import recorded_run

ROOT = Path(__file__).resolve().parent.parent
PAGES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", ROOT / "results" / "README.md"]
_SHELL = re.compile(r"^(?:\w+\$ +)?(optsearch .*)$", re.MULTILINE)
_PLACEHOLDERS = {
    "PROGRAM": "lion",
    "RUN": "here",
    "FILE": "my.yaml",
    "TASK": "digits",
    "COMMAND": "run",
    "DIR": "curves",
}
_WITHOUT_TRAINING = {"--version", "list", "validate", "inspect", "report", "watch", "export"}
_NEEDS_A_FILE_OF_ITS_PAGE = ("cells", "robust.yaml", "my_module", "again")


def shown(text: str) -> Iterator[str]:
    """The commands in the blocks of a page, and in its code between backticks."""
    for token in MarkdownIt().parse(text):
        if token.type == "fence" and token.info in ("", "sh", "bash"):
            yield from _SHELL.findall(re.sub(r"\\\n *", "", token.content))
        for child in token.children or ():
            if child.type == "code_inline" and re.match(r"optsearch [a-z-]+ .", child.content):
                yield child.content


def arguments(command: str) -> list[str]:
    """The arguments of a command, without its comment, with names in place of placeholders."""
    words = shlex.split(command.partition(" #")[0])[1:]
    return [_PLACEHOLDERS.get(word, word) for word in words]


COMMANDS = list(dict.fromkeys((page.name, command) for page in PAGES for command in shown(page.read_text("utf-8"))))
_RUN = {
    " ".join(word for word in arguments(command) if word != "--train"): command
    for _, command in COMMANDS
    if arguments(command)[0] in _WITHOUT_TRAINING
    if not any(name in command for name in _NEEDS_A_FILE_OF_ITS_PAGE)
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory with the files that the commands name."""
    found = tmp_path_factory.mktemp("commands")
    (found / "my.yaml").write_text(SMALL_RUN)
    (found / "configs").symlink_to(ROOT / "configs")
    (found / "mine.py").write_text(to_text(builtin("lion")))
    for run in ("here", "results/my", "results/quickstart"):
        recorded_run(found / run)
        (found / run / "simplified.py").write_text(to_text(builtin("lion")))
    for run in {name for _, command in COMMANDS for name in re.findall(r"results/lion\w*/seed-\d+", command)}:
        (found / run).mkdir(parents=True)  # as `xz -dk` leaves it
        (found / run / JOURNAL).write_bytes(lzma.decompress((ROOT / run / f"{JOURNAL}.xz").read_bytes()))
    return found


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_a_command_has_the_options_that_a_page_shows(page: str, command: str) -> None:
    name, *rest = arguments(command)
    if name == "--version":
        return
    known = cli.commands[name]
    if rest != ["--help"]:
        known.make_context(name, rest)  # raises `click.UsageError`


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(click.UsageError):
        cli.commands["run"].make_context("run", ["my.yaml", "--sett", "seed=1"])


@pytest.mark.parametrize("command", _RUN.values(), ids=_RUN)
def test_a_command_that_does_not_train_runs(command: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    given = [word for word in arguments(command) if word != "--train"]
    assert main(given) == 0


def test_the_configs_that_pages_show_are_valid() -> None:
    fences = [(page, token) for page in PAGES for token in MarkdownIt().parse(page.read_text("utf-8"))]
    values = [(page.name, yaml.safe_load(token.content)) for page, token in fences if token.info == "yaml"]
    configs = [(page, value) for page, value in values if set(value) <= set(Config.model_fields)]
    assert len(configs) >= 8
    for page, value in configs:
        assert Config.model_validate(value), page


def test_many_commands_are_found() -> None:
    assert len(COMMANDS) > 60
    assert len(_RUN) > 20
    assert {arguments(command)[0] for _, command in COMMANDS} >= set(cli.commands)
