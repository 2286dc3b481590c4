"""Escaping of foreign text (file names, origins and verdicts) for code, comments and LaTeX."""

LONGEST = 500  # characters of foreign text that an export quotes


def printable(text: str, longest: int = LONGEST) -> str:
    r"""Convert a text to one line of printable characters.

    White space becomes single spaces. A character that cannot be printed (control characters, marks of writing
    direction, lone surrogates of undecodable file names) is shown as its escape sequence. A text of more than
    `longest` characters is cut.

    >>> print(printable("best\x1b[31m\nof run"))
    best\x1b[31m of run
    """
    line = " ".join(text.split())
    if len(line) > longest:
        line = f"{line[:longest]}…"
    return "".join(letter if letter.isprintable() else _sequence(letter) for letter in line)


def escaped(text: str) -> str:
    r"""`printable(text)` with backslashes and quotation marks escaped.

    The result can stand in a docstring with three quotation marks, in a comment of Python or LaTeX, and in a string:
    it holds no line break, and no quotation mark or backslash that Python would interpret. Every export passes
    foreign text through this function and no other.

    >>> print(escaped('x\"\"\";import os;\"\"\".py'))
    x\"\"\";import os;\"\"\".py
    """
    return printable(text).replace("\\", "\\\\").replace('"', '\\"')


def visible(text: str) -> str:
    r"""Replace each unprintable character of a text by its escape; line breaks and tabs are kept.

    >>> print(visible("loss\x1b[31m\u202e"))
    loss\x1b[31m\u202e
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)


def _sequence(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")
