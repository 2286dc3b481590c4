"""The corpus: published optimizers as programs, a source of subexpressions and of function frequencies.

None of them is newer than Chen et al. (2023) or derived from it. A config can name other programs, or none.
"""

from collections.abc import Sequence

from primitives import Program, live_part, load_program, parse

NESTEROV = """
def train(w, g, m, v, lr):
    m = m * 0.9
    m = m + g
    ahead = m * 0.9
    ahead = ahead + g
    lr = lr * 10.0
    update = ahead * lr
    return update, m, v
"""  # Sutskever et al. (2013), equation 4, in the form in which the gradient is taken at the weights

_WRITTEN = {"nesterov": NESTEROV}


def corpus(names: Sequence[str]) -> tuple[Program, ...]:
    """Load the live parts of programs.

    Args:
        names: names of programs of the corpus or of built-in programs, or paths of program files.

    Raises:
        UserError: a name is none of these.
    """
    return tuple(live_part(parse(_WRITTEN[name]) if name in _WRITTEN else load_program(name)) for name in names)
