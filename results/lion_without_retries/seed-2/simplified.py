# Candidate 1148 of repeat 0, simplified: 11 statements of 11 are left after 2 steps; no optimizer known here.
def train(w, g, m, v, lr):
    g2 = square(g)
    x1 = interp(g2, v, 0.5)
    x2 = sqrt(x1)
    update = interp(g, m, 0.58)
    update = update / x2
    decay = w * 0.32
    update = update + decay
    rate = lr * 1.64
    update = update * rate
    m = interp(g, m, 0.8)
    v = interp(g2, v, 0.8)
    return update, m, v
