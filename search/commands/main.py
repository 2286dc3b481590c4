"""The command line: `optsearch COMMAND`. Results go to standard output, progress and errors to standard error.

Exit status: 0 for success, 2 for a mistake of the user, 1 for a failure, 128 + n after signal n; never a traceback,
unless `OPTSEARCH_TRACEBACK` is set.
"""

import os
import sys
from collections.abc import Sequence

import click

from primitives.errors import UserError
from search.commands.catalog_commands import list_, tune
from search.commands.program_commands import export, simplify
from search.commands.reproduce import reproduce
from search.commands.run_commands import compare, resume, run, select, validate
from search.commands.score_commands import inspect, score
from search.execution.executor import WorkersLostError
from search.execution.process import check_packages, pin_threads

_FAILURE, _MISTAKE, _INTERRUPTED = 1, 2, 130


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="optsearch")
def cli() -> None:
    """Search for optimizers: evolve small programs, score them on real tasks, take the winner away."""


for command in (run, resume, select, compare, validate, inspect, score, simplify, export, list_, tune, reproduce):
    cli.add_command(command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of the command `optsearch`: run it, and turn every error into one line and an exit status."""
    pin_threads()
    try:
        check_packages()
        cli.main(arguments, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return _MISTAKE
    except click.ClickException as error:
        where = f"{error.ctx.command_path}: " if isinstance(error, click.UsageError) and error.ctx else "optsearch: "
        return _say(where + error.format_message(), _MISTAKE)
    except UserError as error:
        return _say(f"optsearch: {error}", _MISTAKE)
    except WorkersLostError as error:
        return _say(f"optsearch: {error}", _FAILURE)
    except (KeyboardInterrupt, click.Abort):
        return _say("optsearch: interrupted; what was recorded is kept", _INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _FAILURE
    except Exception as error:
        if os.environ.get("OPTSEARCH_TRACEBACK"):
            raise
        text = " ".join(str(error).split()) or "no further word"
        return _say(f"optsearch: failed: {type(error).__name__}: {text} (OPTSEARCH_TRACEBACK=1 shows where)", _FAILURE)
    return 0


def _say(message: str, status: int) -> int:
    click.echo(" ".join(message.split()), err=True)
    return status
