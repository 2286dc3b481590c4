# Candidate 2850 of repeat 4; fitness 0.1266 on seeds that the search did not use.
def train(w, g, m, v, lr):
    g2 = square(g)
    m = interp(g, m, 0.59415454)
    v = interp(g2, v, 0.86234546)
    v = abs(v)
    s = sqrt(v)
    x5 = cbrt(-0.58796513)
    g = arccosh(g)
    x4 = global_norm(s)
    x8 = interp(-2.133114, g2, x4)
    update = m / s
    wd = w * 0.14476627
    update = update + wd
    x6 = cbrt(wd)
    lr = lr * 0.018129682
    lr = arctanh(lr)
    x1 = get_pi()
    update = update * lr
    x4 = log1p(v)
    wd = tan(0.86557376)
    x9 = cube(x4)
    g2 = exp10(-1.534609)
    g2 = sinh(g2)
    x3 = get_e()
    w = max(s, s)
    x2 = max(update, -0.8520241)
    x2 = norm(x2)
    x3 = abs(-0.5241159)
    x10 = -2.3707397 * lr
    return update, m, v
