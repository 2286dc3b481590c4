"""A fixed panel of optimizers, from good to poor on any task, on which proxy tasks are compared with larger ones."""

from primitives import PEAK, Program, builtin, parse
from simplify.yardstick import scaled

_WRITTEN = {
    "signum": """
        m = interp(g, m, 0.9)
        update = sign(m)
        wd = w * 0.3
        update = update + wd
        lr = lr * 1.0
        update = update * lr
    """,
    "gm_adam": """
        m = interp(g, m, 0.9)
        g2 = g * m
        v = interp(g2, v, 0.95)
        s = sqrt(v)
        update = m / s
        wd = w * 0.1
        update = update + wd
        lr = lr * 1.0
        update = update * lr
    """,
    "two_beta_adamw": """
        g2 = square(g)
        u = interp(g, m, 0.9)
        m = interp(g, m, 0.95)
        v = interp(g2, v, 0.95)
        s = sqrt(v)
        update = u / s
        wd = w * 0.1
        update = update + wd
        lr = lr * 1.0
        update = update * lr
    """,
    "cautious_lion": """
        update = interp(g, m, 0.9)
        update = sign(update)
        m = interp(g, m, 0.95)
        agree = update * g
        agree = sign(agree)
        agree = max(agree, 0.0)
        update = update * agree
        wd = w * 0.3
        update = update + wd
        lr = lr * 1.0
        update = update * lr
    """,
    # A program that a search found on `digits`.
    "found_held_rate": """
        g2 = square(g)
        m = interp(g, m, 0.22139347)
        v = interp(g2, v, 0.9985652)
        s = sqrt(v)
        update = m / s
        wd = update - 0.18691787
        update = update + wd
        update = arcsinh(update)
        lr = min(lr, 0.012704033)
        update = update * lr
    """,
    # The champion of an early search on a task like `vit`.
    "found_sign_of_ratio": """
        m = interp(g, m, 0.85)
        a = abs(g)
        update = m / a
        wd = w * 0.14
        update = update + wd
        update = sign(update)
        lr = lr * 1.0
        update = update * lr
    """,
    "bounded_adamw": """
        g2 = square(g)
        m = interp(g, m, 0.8)
        v = interp(g2, v, 0.9)
        s = sqrt(v)
        update = m / s
        update = tanh(update)
        wd = w * 0.2
        update = update + wd
        lr = lr * 2.0
        update = update * lr
    """,
    "cbrt_momentum": """
        m = interp(g, m, 0.9)
        update = cbrt(m)
        lr = lr * 5.0
        update = update * lr
    """,
}

# Constants in the order of the program: for AdamW and Lion beta1, beta2, decay, rate. Rates are those at the first step
# of a small task, so `panel` multiplies the learning rate, which starts at `PEAK`, by 1 / `PEAK` first.
_VARIANTS: dict[str, tuple[tuple[float, ...], ...]] = {
    "adamw": (
        *((0.9, 0.95, 0.1, rate) for rate in (0.001, 0.003, 0.01, 0.03, 0.1)),
        (0.5, 0.8, 0.1, 0.03),
        (0.9, 0.999, 0.01, 0.01),
        (0.8, 0.9, 1.0, 0.01),
    ),
    "lion": (
        *((0.9, 0.95, 0.3, rate) for rate in (0.001, 0.003, 0.01, 0.03)),
        (0.9, 0.99, 0.1, 0.003),
        (0.6, 0.9, 0.3, 0.01),
        (0.9, 0.95, 0.0, 0.01),
    ),
    "adam": ((0.9, 0.95, 0.01),),
    "rmsprop": ((0.95, 0.01),),
    "adabelief": ((0.9, 0.99, 0.01),),
    "adagrad": ((0.03,),),
    "momentum": ((0.9, 0.01), (0.9, 0.1)),
    "sgd": ((0.1,),),
    "signum": ((0.9, 0.3, 0.003), (0.9, 0.3, 0.01), (0.8, 0.3, 0.02)),
    "gm_adam": ((0.9, 0.95, 0.1, 0.01), (0.8, 0.9, 0.1, 0.03)),
    "two_beta_adamw": ((0.9, 0.95, 0.95, 0.1, 0.01),),
    "cautious_lion": ((0.9, 0.95, 0.0, 0.3, 0.01),),
    "found_held_rate": ((0.22139347, 0.9985652, 0.18691787, 0.012704033),),
    "found_sign_of_ratio": ((0.85, 0.14, 0.01),),
    "bounded_adamw": ((0.8, 0.9, 0.2, 0.02),),
    "cbrt_momentum": ((0.9, 0.05),),
}


def written(name: str) -> Program:
    """A built-in program or a program of this file, by name."""
    if name not in _WRITTEN:
        return builtin(name)
    lines = [f"    {line.strip()}" for line in _WRITTEN[name].strip().splitlines()]
    return parse("\n".join(["def train(w, g, m, v, lr):", *lines, "    return update, m, v"]))


def panel() -> dict[str, Program]:
    """The panel: programs by names such as `adamw 0.9 0.95 0.1 0.01`."""
    return {
        " ".join([name, *map(str, constants)]): scaled(written(name).with_constants(constants), 1 / PEAK)
        for name, rows in _VARIANTS.items()
        for constants in rows
    }


# A dozen programs that span the panel, for tasks on which the whole panel would take too long.
DOZEN = (
    "adamw 0.9 0.95 0.1 0.001",
    "adamw 0.9 0.95 0.1 0.003",
    "adamw 0.9 0.95 0.1 0.01",
    "adamw 0.5 0.8 0.1 0.03",
    "adamw 0.8 0.9 1.0 0.01",
    "lion 0.9 0.95 0.3 0.003",
    "lion 0.9 0.95 0.3 0.01",
    "lion 0.9 0.99 0.1 0.003",
    "signum 0.9 0.3 0.003",
    "gm_adam 0.9 0.95 0.1 0.01",
    "momentum 0.9 0.1",
    "bounded_adamw 0.8 0.9 0.2 0.02",
)
