"""The command line: `optsearch COMMAND`. Results go to standard output, progress and errors to standard error.

Exit status: 0 for success, 2 for a mistake of the user, 1 for a failure, 128 + n after signal n; never a traceback,
unless `OPTSEARCH_TRACEBACK` is set.
"""

import json
import os
import sys
from collections.abc import Sequence

import click

from primitives import UserError
from search.commands.catalog_commands import list_, tune
from search.commands.inspect_command import inspect
from search.commands.interrupts import exit_status, signals_end_command
from search.commands.program_commands import export, simplify
from search.commands.report_command import report
from search.commands.reproduce import reproduce
from search.commands.run_commands import compare, resume, run, select, validate
from search.commands.score_command import score
from search.commands.screen import echo, replace_what_streams_cannot_encode
from search.commands.watch import watch
from search.execution import WorkersLostError, check_packages, pin_threads

_FAILURE, _MISTAKE, _INTERRUPTED = 1, 2, 130


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="optsearch")
def cli() -> None:
    """Search for optimizers: evolve small programs, score them on real tasks, and export the best one."""


for command in (
    run,
    resume,
    select,
    compare,
    validate,
    report,
    watch,
    inspect,
    score,
    simplify,
    export,
    list_,
    tune,
    reproduce,
):
    cli.add_command(command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command, and turn every error into one line and an exit status.

    Args:
        arguments: arguments of the command line; those of this process by default.

    Returns:
        The exit status.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    pin_threads()
    replace_what_streams_cannot_encode()
    with signals_end_command():
        status, message = _run(given)
    status = exit_status(status)
    if message:
        message = " ".join(message.split())
        echo(json.dumps({"error": message, "status": status}) if "--json" in given else message, err=True)
    return status


def _run(arguments: list[str]) -> tuple[int, str]:
    """Run a command; returns its exit status and an error message, which is empty after success."""
    try:
        check_packages()
        cli.main(arguments, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return _MISTAKE, ""
    except click.ClickException as error:
        where = f"{error.ctx.command_path}: " if isinstance(error, click.UsageError) and error.ctx else "optsearch: "
        return _MISTAKE, where + error.format_message()
    except UserError as error:
        return _MISTAKE, f"optsearch: {error}"
    except WorkersLostError as error:
        return _FAILURE, f"optsearch: {error}"
    except (KeyboardInterrupt, click.Abort) as error:
        if isinstance(error.__cause__, EOFError):  # Click treats every EOFError as the end of the terminal's input
            return _failed(error.__cause__)
        return _INTERRUPTED, "optsearch: interrupted; recorded results are kept"
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _FAILURE, ""
    except Exception as error:
        return _failed(error)
    return 0, ""


def _failed(error: Exception) -> tuple[int, str]:
    if os.environ.get("OPTSEARCH_TRACEBACK"):
        raise error
    text = str(error) or "no message"
    return _FAILURE, f"optsearch: failed: {type(error).__name__}: {text} (OPTSEARCH_TRACEBACK=1 shows where)"
