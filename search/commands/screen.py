r"""Output of text to a terminal, made safe.

Names of programs, tasks, files, keys and arrays, and the text columns of a journal may come from others. They may hold
control characters, which move the cursor or change titles, colours or the direction of writing, and text that Rich
reads as markup. A `Screen` does not interpret markup, and shows each unprintable character as its escape, such as
`\x1b`.
"""

import os
import sys
from collections.abc import Iterable

import click
from pygments.token import Comment, Generic, Keyword, Number
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.style import Style
from rich.syntax import ANSISyntaxTheme, Syntax

from primitives import visible

_WIDE = 160  # width of a table that is written to a file or a pipe
# Weights and colours that can be read on light and on dark terminals; all other code has the colour of the terminal.
_THEME = ANSISyntaxTheme(
    {
        Comment: Style(dim=True),
        Keyword: Style(bold=True),
        Number: Style(color="magenta"),
        Generic.Deleted: Style(color="red"),
        Generic.Inserted: Style(color="green"),
    }
)


class Screen(Console):
    """A Rich console for text from anywhere.

    Args:
        stderr: write to standard error.
        quiet: write nothing.
    """

    def __init__(self, *, stderr: bool = False, quiet: bool = False) -> None:
        stream = sys.stderr if stderr else sys.stdout
        super().__init__(
            stderr=stderr,
            quiet=quiet,
            markup=False,
            emoji=False,
            highlight=False,
            width=None if stream.isatty() or stderr else _WIDE,
            color_system=None if os.environ.get("NO_COLOR") else "auto",
        )

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render as Rich does, with `visible` text."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else visible(text), style, control)


def echo(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Print text; unprintable characters are shown as their escapes."""
    click.echo(visible(text), err=err, nl=nl)


def code(text: str, language: str = "python") -> RenderableType:
    """Source code with syntax highlighting."""
    return Syntax(visible(text.rstrip("\n")), language, theme=_THEME, background_color="default")


def replace_what_streams_cannot_encode() -> None:
    """Make standard output and error print `?` for characters that their encoding lacks."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
