# Candidate 1009 of repeat 0, simplified: 10 statements of 10 are left after 1 steps; no optimizer known here.
def train(w, g, m, v, lr):
    g2 = square(g)
    rate = lr * 17.0
    x1 = g2 * rate
    v = interp(x1, v, 0.63)
    x2 = sqrt(v)
    update = interp(g, m, 0.76)
    update = update / x2
    update = update + w
    update = update * lr
    m = interp(g, m, 0.94)
    return update, m, v
