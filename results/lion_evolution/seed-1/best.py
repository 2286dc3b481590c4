# Candidate 2554 of repeat 3 with its constants tuned; fitness 0.1173 on seeds that the search did not use.
def train(w, g, m, v, lr):
    wd = lr * lr
    wd = log1p(wd)
    wd = log10(wd)
    wd = tanh(wd)
    x1 = cosh(lr)
    x1 = sin(x1)
    x1 = arcsin(x1)
    x1 = arctanh(x1)
    x1 = square(x1)
    wd = arccos(wd)
    x8 = abs(0.6071389)
    g2 = exp(-0.56038064)
    g2 = arccos(g2)
    g2 = cosh(g2)
    x1 = cosh(w)
    s = arcsin(m)
    x6 = exp2(g2)
    x4 = power(w, x1)
    x7 = cube(v)
    m = interp(g, m, 0.82917356)
    s = abs(lr)
    update = m / s
    update = sign(update)
    wd = min(w, 0.15525286)
    wd = arcsinh(wd)
    x2 = cube(v)
    update = update + wd
    x3 = expm1(-0.4938922)
    lr = lr * 0.006038668
    x5 = negative(g2)
    update = update * lr
    w = max(w, wd)
    w = log2(v)
    return update, m, v
