# Candidate 688 of repeat 5 with its constants tuned; fitness 0.1617 on seeds that the search did not use.
def train(w, g, m, v, lr):
    wd = power(lr, lr)
    x1 = cosh(m)
    wd = arcsin(wd)
    g2 = exp(-0.4302821)
    g2 = cos(g2)
    x1 = exp10(w)
    s = arcsinh(m)
    m = interp(g, m, 0.8217401)
    s = arccos(m)
    wd = arctanh(-0.48147416)
    g = arctan(1.6104463)
    update = m / s
    update = sign(update)
    wd = min(w, 0.18070588)
    update = update + wd
    lr = lr * 0.007127757
    update = update * lr
    w = max(update, wd)
    w = log2(w)
    return update, m, v
