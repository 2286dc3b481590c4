# Candidate 124 of repeat 0; fitness 0.1190 on seeds that the search did not use.
def train(w, g, m, v, lr):
    g2 = square(g)
    m = interp(g, m, 0.6668634)
    v = interp(g2, v, 0.71148026)
    s = sqrt(v)
    update = m / s
    wd = w * 0.3146347
    update = update + wd
    lr = lr * 1.8692595
    update = update * lr
    return update, m, v
