"""Text from anywhere reaches the terminal as text; signals, errors and help are what callers expect."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.shell_completion import shell_complete
from rich.table import Table

from search.commands.interrupts import SIGNALS, Interrupted, exit_status, signals_end_command, stop_on_signals
from search.commands.main import cli, main
from search.commands.screen import Screen, code
from tests.processes import ROOT


@pytest.fixture
def _signals_are_not_ignored() -> Iterator[None]:
    """Whatever started the tests may ignore SIGINT, as a shell does for what runs in its background."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number in SIGNALS:
        signal.signal(number, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def kill_and_wait(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)
    threading.Event().wait(60)


HOSTILE = [
    "\x1b]0;title\x07",
    "\x1b[31mred",
    "\x1b]8;;http://x\x1b\\link",
    "\u202egnp.exe",
    "\u2066\u200b\ufeff",
    "\x9b31m",
    "\r overwritten",
    "[link=http://x]text[/link]",
    "[red]text[/red]",
    "[/b]",
    ":bomb:",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_text_from_a_stranger_is_shown_as_text(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    table = Table(text, title=text)
    table.add_row(text)
    screen = Screen()
    for shown in (text, table, code(text)):
        screen.print(shown)
    printed = capsys.readouterr().out
    assert all(character.isprintable() or character == "\n" for character in printed)
    if text.isprintable():
        assert printed.count(text) >= 3  # nothing was taken for markup


def test_a_mistake_with_control_characters_in_it_is_one_printable_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "c.yaml"
    config.write_text('"\\e]0;title\\a": 1\n')
    (tmp_path / "a[red].py").write_text("def train(w, g, m, v, lr):\n    update = \u202e(g)\n    return update, m, v\n")
    for arguments in (["validate", str(config)], ["inspect", str(tmp_path / "a[red].py")], ["inspect", "\x1b[31m"]):
        assert main(arguments) == 2
        error = capsys.readouterr().err
        assert error.rstrip("\n").isprintable()
        assert error.count("\n") == 1


def test_code_has_no_fixed_foreground_and_no_escapes_without_colour(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    text = "def train(w, g, m, v, lr):\n    update = g * 0.5  # half\n    return update, m, v"
    Screen().print(code(text))
    coloured = capsys.readouterr().out
    assert "\x1b[" in coloured
    assert not [sequence for sequence in ("38;2", "38;5", "97m", "37m") if sequence in coloured]
    monkeypatch.setenv("NO_COLOR", "1")
    Screen().print(code(text))
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["inspect", "nowhere"], ["inspect"], ["fly"], ["score", "lion", "--seeds", "0"]])
def test_errors_are_json_where_json_is_asked_for(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*arguments, "--json"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    found = json.loads(captured.err)
    assert found["status"] == 2
    assert found["error"].isprintable()


@pytest.mark.parametrize("name", cli.commands)
def test_the_help_of_a_command_ends_with_an_example_of_it(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    *_, title, example = capsys.readouterr().out.rstrip().splitlines()
    assert title.strip() == "Example:"
    assert example.strip().startswith(f"optsearch {name} ")


def test_what_an_encoding_does_not_have_is_replaced() -> None:
    source = "from search.commands.start import main; raise SystemExit(main())"
    process = subprocess.run(
        [sys.executable, "-c", source, "list", "tasks"],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    assert b"8?8 digits" in process.stdout


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_while_python_still_imports_ends_in_a_line(number: signal.Signals, status: int) -> None:
    handler = "signal.default_int_handler" if number == signal.SIGINT else "signal.SIG_DFL"  # not that of the caller
    source = (
        f"import os, signal, sys, threading; signal.signal({int(number)}, {handler}); "
        "from search.commands.start import main\n"
        f"threading.Timer(0.05, os.kill, (os.getpid(), {int(number)})).start(); sys.exit(main())"
    )
    process = subprocess.run([sys.executable, "-c", source, "list", "tasks"], capture_output=True, check=False)
    assert process.returncode == status
    assert process.stderr == b"optsearch: interrupted\n"


@pytest.mark.usefixtures("_signals_are_not_ignored")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_the_first_signal_asks_to_stop_and_the_second_ends_the_command(number: signal.Signals, status: int) -> None:
    with signals_end_command():
        assert exit_status(2) == 2
        with stop_on_signals() as stop:
            os.kill(os.getpid(), number)
            assert stop.wait(60)
            assert exit_status(0) == status
            with pytest.raises(Interrupted):
                kill_and_wait(number)
        assert exit_status(2) == status
    with signals_end_command(), pytest.raises(Interrupted):
        kill_and_wait(number)


HEARD = """
import os, signal, threading
from hashlib import pbkdf2_hmac
from search.commands.interrupts import stop_on_signals
ended, before_the_end = threading.Event(), []
with stop_on_signals() as stop:
    watcher = threading.Thread(target=lambda: before_the_end.append(stop.wait(600) and not ended.is_set()))
    watcher.start()
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()
    pbkdf2_hmac("sha256", b"a compilation", b"that takes long", 3_000_000)  # runs no handler of Python
    ended.set()
    watcher.join()
print(before_the_end)
"""


def test_a_signal_is_heard_while_the_main_thread_is_not_in_python() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HEARD],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert (done.returncode, done.stdout) == (0, "[True]\n"), done.stderr
    assert "SIGTERM received" in done.stderr


def test_a_signal_that_the_caller_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals_end_command(), stop_on_signals() as stop:
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
            os.kill(os.getpid(), signal.SIGHUP)
            assert not stop.is_set()
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


class Dying:
    """Its finalizer takes a signal, whose exception Python has to swallow."""

    def __del__(self) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):
            pass


def interrupted_in_a_finalizer() -> None:
    os.kill(os.getpid(), signal.SIGINT)
    Dying()
    threading.Event().wait(60)


@pytest.mark.usefixtures("_signals_are_not_ignored")
def test_a_second_signal_inside_a_finalizer_ends_the_command_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Interrupted), signals_end_command(), stop_on_signals():
        interrupted_in_a_finalizer()
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "offered"), [("score li", "lion"), ("score lion --task di", "digits_x10"), ("insp", "inspect")]
)
def test_the_shell_completes_programs_tasks_and_commands(
    line: str, offered: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COMP_WORDS", f"optsearch {line}")
    monkeypatch.setenv("COMP_CWORD", str(len(line.split())))
    shell_complete(cli, {}, "optsearch", "_OPTSEARCH_COMPLETE", "bash_complete")
    assert f"plain,{offered}" in capsys.readouterr().out.splitlines()
